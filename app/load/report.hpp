// What a load found.
#pragma once

#include <cstdint>
#include <map>
#include <ostream>
#include <string>
#include <vector>

#include <boost/json/object.hpp>

#include "app/load/latencies.hpp"
#include "app/load/scenario.hpp"
#include "platform/core/clock.hpp"

namespace bv::load {

// The answers to one call, of the measured time.
struct row {
    bool is_request = true;                        // false: a stretch of a journey, of several requests
    std::uint64_t answered = 0;                    // well: 2xx
    std::uint64_t in_time = 0;                     // of those, before the time was over: what a rate is made of
    std::map<std::string, std::uint64_t> errors{};  // "429 RATE_LIMITED", "no answer: CONNECT_FAILED", "not sent" → how many
    latencies latency{};                           // of those answered well
    std::string first_problem{};                   // the body of the first that was not

    [[nodiscard]] std::uint64_t failed() const noexcept;
    void add(const row&);
};

// A piece of the measured time.
struct slot {
    std::uint64_t answered = 0, failed = 0;        // by when they were answered
    latencies latency{};                           // by when they were due
};

// What the generator itself did: whether its figures are the platform's or its own.
struct generator {
    double cpu_share = 0;                          // of its one thread
    double machine_idle = 1;                       // share of all cores
    latencies lateness{};                          // open loop: from the time due to the sending, with a caller free
    std::uint64_t waited = 0;                      // arrivals that were due while all callers were busy
    std::uint64_t not_sent = 0;
};

struct report {
    scenario how;
    bool ended_early = false;
    double seconds = 0;                            // measured
    double slot_seconds = 1;
    std::map<std::string, row> rows{};
    std::vector<slot> slots{};
    load::generator generator{};

    [[nodiscard]] row total() const;               // of all requests
    [[nodiscard]] double per_second() const;       // answered well
    [[nodiscard]] double failed_share() const;
    // What a reader must know before trusting the figures, one sentence each.
    [[nodiscard]] std::vector<std::string> doubts() const;
};

// Where a run stands.
struct standing {
    std::chrono::seconds passed{}, whole{};
    bool warming_up = false;
    std::uint64_t answered = 0, failed = 0, under_way = 0;
    double per_second = 0;                         // of the last second
    std::uint64_t p99_us = 0;                      // of the last slot
};

void print(const report&, std::ostream&);
[[nodiscard]] boost::json::object to_json(const report&);
// Latency over the time, and by percentile for each call: an SVG.
[[nodiscard]] std::string picture(const report&);
// "1.24 ms", "870 µs", "3.1 s".
[[nodiscard]] std::string shown(double us);

}  // namespace bv::load
