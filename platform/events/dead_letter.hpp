// An event that a group could not apply.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "platform/core/clock.hpp"
#include "platform/core/uuid.hpp"
#include "platform/events/event.hpp"

namespace bv::events {

enum class dead_letter_state : unsigned char {
    failed,     // its handler failed retry.attempts times
    blocked,    // parked behind an earlier unresolved event of its key; its handler was not tried
    replayed,   // applied since
    discarded,  // given up by a person
};
[[nodiscard]] std::string_view name(dead_letter_state) noexcept;
// Of a stored name. Throws failure INTERNAL "BAD_STATE" for another.
[[nodiscard]] dead_letter_state parse_dead_letter_state(std::string_view);
// Both need an answer.
[[nodiscard]] constexpr bool is_unresolved(dead_letter_state s) noexcept {
    return s == dead_letter_state::failed || s == dead_letter_state::blocked;
}

struct dead_letter {
    std::string group;
    events::event event;             // payload only from show()
    std::int64_t payload_bytes = 0;
    int attempts = 0;
    std::string error;               // "INTERNAL OUT_OF_STOCK: …"
    dead_letter_state state = dead_letter_state::failed;
    time_point first_failed_at, last_failed_at;
    std::optional<time_point> resolved_at;
};

// Which of a group's unresolved dead letters. Neither: all.
struct dead_letter_target {
    std::optional<uuid> id{};        // this event; to replay it, those of its key before it too
    std::optional<std::string> key{};
};

}  // namespace bv::events
