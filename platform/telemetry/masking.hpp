// Keeps personal data and secrets out of logs and traces: by the name of a field, and by the shape of a value.
#pragma once

#include <string>
#include <string_view>

namespace bv::telemetry {

inline constexpr std::string_view mask = "***";

// Whether a field of this name may hold personal data or a secret: its name contains password, secret, token, authorization,
// cookie, credential, email, phone, address, name, card or birth in any case, and is not on the list of names known to be
// harmless (service_name, event_name, …). '.' and '-' count as '_'.
[[nodiscard]] bool is_sensitive_key(std::string_view key) noexcept;

// The text with every e-mail address in it replaced by the mask.
[[nodiscard]] std::string masked_text(std::string_view text);

}  // namespace bv::telemetry
