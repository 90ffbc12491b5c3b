// HTTP load on keep-alive connections, on one thread. Two shapes:
//
//   closed loop (rate 0)   each connection sends its next request when it has the answer to the last: finds the capacity
//   open loop (rate > 0)   arrivals at fixed times, whatever the server does; a latency counts from the time a request
//                          was due, so a server that stalls is charged for all that waited (no coordinated omission)
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "bench/load/latencies.hpp"
#include "platform/net/http/client.hpp"

namespace bv::load {

struct options {
    std::string host = "127.0.0.1";
    std::uint16_t port = 80;
    int connections = 8;                          // the most requests that are under way at once
    double rate = 0;                              // arrivals a second; 0: closed loop
    std::chrono::nanoseconds warm_up{};           // answers of this time are not counted
    std::chrono::nanoseconds duration{std::chrono::seconds(10)};
    std::uint64_t most_requests = 0;              // ends the run early; 0: no bound
    std::chrono::nanoseconds pause{};             // closed loop: between an answer and the connection's next request
};

struct report {
    double seconds = 0;                           // of the measured part
    std::uint64_t answered = 0;                   // 2xx in the measured part
    std::map<int, std::uint64_t> others;          // by status; 0: no answer
    latencies latency;                            // of the 2xx
    std::string first_problem;                    // the body of the first that is not 2xx
    [[nodiscard]] double per_second() const noexcept { return seconds > 0 ? static_cast<double>(answered) / seconds : 0; }
};

// n counts from 0 over the whole run. Called on the load's thread.
using request_maker = std::function<http::client_request(std::uint64_t n)>;

// Blocks until the run has ended.
[[nodiscard]] report run(const options&, const request_maker&);

}  // namespace bv::load
