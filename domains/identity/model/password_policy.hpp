// Which passwords are refused (NIST SP 800-63B section 5.1.1.2: length and known ones, no rules of composition).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace bv::identity {

inline constexpr std::size_t min_password_length = 10;  // code points

// What is wrong with it, for a person; nullopt when it may be used. `email` may be empty.
[[nodiscard]] std::optional<std::string> password_fault(std::string_view password, std::string_view email);

}  // namespace bv::identity
