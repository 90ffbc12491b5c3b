#include "platform/events/dead_letter.hpp"

#include "platform/core/error.hpp"

namespace bv::events {

std::string_view name(dead_letter_state s) noexcept {
    switch (s) {
        case dead_letter_state::failed: return "failed";
        case dead_letter_state::blocked: return "blocked";
        case dead_letter_state::replayed: return "replayed";
        case dead_letter_state::discarded: return "discarded";
    }
    return "";
}

dead_letter_state parse_dead_letter_state(std::string_view text) {
    for (const auto s : {dead_letter_state::failed, dead_letter_state::blocked, dead_letter_state::replayed, dead_letter_state::discarded})
        if (name(s) == text) return s;
    throw failure(code::internal, "BAD_STATE", "a dead letter has a state that this version does not know: " + std::string(text));
}

}  // namespace bv::events
