// Signatures of webhooks and provider call-backs: "t=<unix seconds>,v1=<hex HMAC-SHA-256 of "<t>.<body>">".
// The time is signed too, so that a captured call-back cannot be replayed later.
#pragma once

#include <chrono>
#include <initializer_list>
#include <string>
#include <string_view>

#include "platform/core/clock.hpp"
#include "platform/core/error.hpp"

namespace bv::security {

inline constexpr std::string_view signature_header = "BV-Signature";

[[nodiscard]] std::string sign_body(std::string_view secret, std::string_view body, time_point now);

// UNAUTHENTICATED with a reason: SIGNATURE_MALFORMED, SIGNATURE_TOO_OLD (also: from the future), SIGNATURE_MISMATCH. Any of the
// secrets may have signed, and the header may carry several v1, so that a secret can be changed without a gap.
[[nodiscard]] result<void> verify_body(std::initializer_list<std::string_view> secrets, std::string_view header, std::string_view body,
                                       time_point now, std::chrono::seconds tolerance = std::chrono::minutes(5));

}  // namespace bv::security
