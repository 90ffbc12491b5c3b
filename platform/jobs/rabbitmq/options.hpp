// How to reach RabbitMQ, and what the platform calls and bounds there.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "platform/core/clock.hpp"
#include "platform/core/error.hpp"

namespace bv::jobs::rabbitmq {

struct address {
    std::string host;
    std::uint16_t port = 5672;
    [[nodiscard]] std::string str() const { return host + ":" + std::to_string(port); }
};
// "host:port" or "host". Error INVALID_ARGUMENT "RABBITMQ_ENDPOINT".
[[nodiscard]] result<address> parse_address(std::string_view);

struct server {
    std::vector<address> endpoints;    // of one cluster; tried in turn
    std::string vhost = "/";
    std::string user, password;        // PLAIN
    bool tls = false;                  // 1.2 and later, with the peer verified
    std::string ca_file{};             // PEM of its authority; needed for TLS
    seconds heartbeat{10};             // a peer that is not heard of for two of them is gone
    milliseconds connect_timeout{5'000};
};

// Of what is made there, arguments and all. Queues that are there with others are told, not changed.
struct shape {
    std::string prefix = "bitvelocity.";
    std::string queue;                        // the jobs' queue
    std::vector<milliseconds> tiers{};        // each longer than the one before
    std::int64_t most = 100'000;              // messages in the work queue and in each tier; more stay in the database
    std::int64_t delivery_limit = 20;         // a message whose consumers ended that often goes to the dead-letter exchange
    int replicas = 1;                         // of each queue, at first
};

}  // namespace bv::jobs::rabbitmq
