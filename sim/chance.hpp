// What goes wrong, and when: each question has a number of its own, and its answer follows from the seed and that number.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "platform/core/clock.hpp"

namespace bv::sim {

enum class fault : std::uint8_t { conflict, request_lost, commit_lost, answer_lost, crash, decline, provider_away, provider_answer_lost, late_callback, redelivery };
inline constexpr std::array<std::string_view, 10> fault_names{"transaction aborted", "connection lost", "commit lost", "commit's answer lost",
                                                              "crash", "declined", "provider away", "provider's answer lost", "late call-back", "redelivery"};

class chance {
public:
    explicit chance(std::uint64_t seed) : random_(seed) {
        // Each seed has weather of its own: some faults often, some never.
        for (auto& r : rates_) r = random_.below(3) == 0 ? 0.0 : random_.uniform() * 0.03;
    }
    bool happens(fault f) {
        const auto i = static_cast<std::size_t>(f);
        const bool yes = random_.uniform() < rates_[i] * scale(f) && raging_;
        if (yes) ++count_[i];
        return yes;
    }
    // From now on nothing more goes wrong.
    void calm() noexcept { raging_ = false; }
    [[nodiscard]] rng& random() noexcept { return random_; }
    [[nodiscard]] const std::array<std::uint64_t, 10>& counts() const noexcept { return count_; }

private:
    static double scale(fault f) {
        if (f == fault::crash) return 0.02;
        return f == fault::decline || f == fault::late_callback ? 8 : 1;
    }
    seeded_rng random_;
    bool raging_ = true;
    std::array<double, 10> rates_{};
    std::array<std::uint64_t, 10> count_{};
};

}  // namespace bv::sim
