// What to do with an answer of the platform, or with none.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "platform/core/clock.hpp"

namespace bv::replay {

struct retry_rules {
    milliseconds first{50};          // pause after the first failure; doubles with each further one
    milliseconds longest{2'000};
    milliseconds longest_wish{30'000};  // of a Retry-After
    int server_errors = 5;           // tries of a request that is answered 5xx other than 503
};

enum class verdict : std::uint8_t {
    take,   // an answer: a success, or a refusal that a repeat would not change
    again,  // the same request, with the same Idempotency-Key
};

struct judgement {
    verdict what = verdict::take;
    milliseconds pause{0};
    bool away = false;       // the platform is not there or not ready: counts towards how long it may stay away
    bool throttled = false;  // it asked for less
};

// status 0: no answer came, so the request may or may not have been handled. attempt counts from 1.
[[nodiscard]] judgement judge(int status, std::string_view reason, std::optional<milliseconds> retry_after, int attempt, const retry_rules&) noexcept;

// Seconds, as the platform sends it (RFC 9110, 10.2.3); nullopt for anything else.
[[nodiscard]] std::optional<milliseconds> parse_retry_after(std::string_view) noexcept;

}  // namespace bv::replay
