// How a client reaches Redis.
#pragma once

#include <string>
#include <vector>

#include "platform/core/clock.hpp"
#include "platform/storage/redis/topology.hpp"

namespace bv::redis {

struct options {
    std::vector<address> endpoints{};  // one server, or some of a cluster's
    std::string user{};                // empty: the default one
    std::string password{};            // empty: no AUTH
    bool tls = false;                  // to TCP endpoints
    std::string ca_file{};             // PEM; empty: the system's authorities
    milliseconds call_timeout{50};     // of one command, whatever its caller's deadline
    milliseconds connect_timeout{500};
    // A server that answers nothing for so long is connected to anew: until it does, nothing is asked of it.
    milliseconds silence{1'000};
    std::size_t most_pending = 8'192;                // commands in one connection's pipeline
    std::size_t most_queued_bytes = 8 * 1024 * 1024;  // not yet written
};

}  // namespace bv::redis
