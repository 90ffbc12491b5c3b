// What goes wrong, and when: each question has a number of its own, and its answer follows from the seed and that number.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "platform/core/clock.hpp"

namespace bv::sim {

enum class fault : std::uint8_t {
    conflict, request_lost, commit_lost, answer_lost, crash, clock_jump,
    decline, capture_refused, provider_away, provider_answer_lost, provider_late, provider_slow, late_callback, repeated_callback,
    redelivery, second_run, slow_consumer, reordering, log_restart, slow_database, standstill
};
inline constexpr std::size_t fault_kinds = 21;
struct fault_name {
    std::string_view id;    // on the command line
    std::string_view what;  // for people
};
inline constexpr std::array<fault_name, fault_kinds> fault_names{{
    {"conflict", "transaction aborted"}, {"request-lost", "connection lost"}, {"commit-lost", "commit lost"}, {"answer-lost", "commit's answer lost"},
    {"crash", "crash"}, {"clock-jump", "clock jumped"},
    {"decline", "declined"}, {"capture-refused", "capture refused"}, {"provider-away", "provider away"},
    {"provider-answer-lost", "provider's answer lost"}, {"provider-late", "provider did it after the time-out"}, {"provider-slow", "provider slower than a lease"},
    {"late-callback", "late call-back"}, {"repeated-callback", "call-back repeated"},
    {"redelivery", "event delivered twice"}, {"second-run", "batch applied, undone and applied again"}, {"slow-consumer", "consumer held up"},
    {"reordering", "keys reordered"}, {"log-restart", "log began again"}, {"slow-database", "database slow"}, {"standstill", "process stood still"},
}};
[[nodiscard]] constexpr std::optional<fault> parse_fault(std::string_view id) noexcept {
    for (std::size_t i = 0; i < fault_kinds; ++i)
        if (fault_names[i].id == id) return static_cast<fault>(i);
    return std::nullopt;
}

using fault_rates = std::array<double, fault_kinds>;          // 0: never
using fault_counts = std::array<std::uint64_t, fault_kinds>;

class chance {
public:
    chance(std::uint64_t seed, const fault_rates& rates) : random_(seed), rates_(rates) {}
    bool happens(fault f) {
        const auto i = static_cast<std::size_t>(f);
        const bool yes = random_.uniform() < rates_[i] && raging_;
        if (yes) ++count_[i];
        return yes;
    }
    [[nodiscard]] bool may_happen(fault f) const noexcept { return rates_[static_cast<std::size_t>(f)] > 0; }
    // From now on nothing more goes wrong.
    void calm() noexcept { raging_ = false; }
    [[nodiscard]] rng& random() noexcept { return random_; }
    [[nodiscard]] const fault_counts& counts() const noexcept { return count_; }

private:
    seeded_rng random_;
    bool raging_ = true;
    const fault_rates rates_;
    fault_counts count_{};
};

}  // namespace bv::sim
