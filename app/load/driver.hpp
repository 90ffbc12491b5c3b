// A load under way: what its callers share. One thread.
#pragma once

#include <string>

#include "app/load/report.hpp"
#include "app/load/shop.hpp"
#include "platform/core/clock.hpp"
#include "platform/net/http/client.hpp"

namespace bv::load {

struct driver {
    driver(const scenario&, http::client_options, std::string importer_key);

    // Sends it and notes the answer under this name, with its latency from `due`. No answer is status 0.
    task<http::client_response> ask(std::string name, http::client_request, steady_point due);
    // Notes a stretch of several requests.
    void note_stretch(const std::string& name, steady_point from, const std::string& error = {});
    void note_not_sent(const std::string& name, steady_point due);
    // One arrival of a call.
    task<void> arrive(const call&, std::uint64_t n, steady_point due);

    // In an open loop every arrival of the time is sent, however late: leaving out what waits would hide the wait.
    [[nodiscard]] bool over() const;
    [[nodiscard]] const call& pick();
    [[nodiscard]] bool is_counted(steady_point due) const noexcept { return due >= counted_from; }

    const scenario& how;
    clock& time = system_clock();
    seeded_rng random{system_rng().next()};
    http::client client;
    load::shop shop;
    steady_point begun{}, counted_from{}, end{};
    std::uint64_t next = 0;
    std::uint64_t under_way = 0;
    bool ended_early = false;
    report out{};

private:
    void note(const std::string& name, steady_point due, const http::client_response&, const std::string& no_answer);
    slot* slot_at(steady_point);
    std::vector<double> up_to_;  // cumulative weights of the calls
};

// The path of one order: a shopper logs in or registers (some do), browses, places, waits for the outcome, reads the events;
// some cancel, some return what came.
task<void> journey(driver&, std::uint64_t n, steady_point due);

}  // namespace bv::load
