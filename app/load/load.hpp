// HTTP load on keep-alive connections, on one thread. Two shapes:
//
//   closed loop (rate 0)   each caller sends its next request when it has the answer to the last: finds the capacity
//   open loop (rate > 0)   arrivals at fixed times, whatever the server does; a latency counts from the time a request
//                          was due, so a server that stalls is charged for all that waited (no coordinated omission)
//
// A run ends in bounded time: what could not be sent `grace` after the last arrival was due is counted as not sent.
#pragma once

#include <functional>

#include "app/load/report.hpp"
#include "app/load/scenario.hpp"
#include "platform/net/http/client.hpp"

namespace bv::load {

inline constexpr std::chrono::seconds grace{10}, answer_timeout{20};

struct target {
    http::client_options where;
    std::string importer_key{};  // empty: articles on offer are bought
};

// Called each second while it runs.
using progress = std::function<void(const standing&)>;

// Blocks until the run has ended; SIGINT and SIGTERM end it early, and what was measured by then is the report.
// Throws failure when the platform refuses what the load needs before it starts.
[[nodiscard]] report run(const scenario&, const target&, const progress& = {});

}  // namespace bv::load
