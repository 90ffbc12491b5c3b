// Looks for seeds that break an invariant, and cuts down what it finds.
#pragma once

#include <functional>
#include <optional>

#include "sim/run.hpp"

namespace bv::sim {

struct search_options {
    std::uint64_t first = 1;
    std::optional<plan> of{};            // this plan under each seed's schedule and luck, instead of the seed's own plan
    std::uint64_t seeds = 200;           // ignored when there is a time to spend
    std::optional<seconds> time{};
    unsigned jobs = 1;
    bool until_broken = false;           // ends at the first seed that breaks something
};

// Of all seeds that were run.
struct tally {
    std::uint64_t runs = 0, handlers = 0;
    double virtual_seconds = 0;
    std::int64_t orders = 0;
    fault_counts faults{};
    std::map<std::string, std::uint64_t> transitions;
    std::vector<outcome> broken;         // by seed
    std::chrono::duration<double> took{0};

    void add(outcome);
    [[nodiscard]] std::vector<std::string> unseen() const;  // transitions of the state machine that no seed took
};

// The plan of a seed.
[[nodiscard]] plan plan_of(const search_options&, std::uint64_t seed);

// `progress` is called now and then, on one thread at a time.
[[nodiscard]] tally search(const search_options&, const std::function<void(const tally&)>& progress = {});

struct shortest {
    cuts without;
    outcome broken;
    int tries = 0;
};
// The smallest part of a broken seed that still breaks the same invariant, as far as `most` more runs find one.
[[nodiscard]] shortest shrink(const plan& whole, const outcome&, int most = 400);

}  // namespace bv::sim
