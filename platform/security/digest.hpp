// SHA-256 (FIPS 180-4), HMAC-SHA-256 (RFC 2104), and comparison in constant time.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace bv::security {

using digest = std::array<std::uint8_t, 32>;

[[nodiscard]] digest sha256(std::string_view data);
[[nodiscard]] digest hmac_sha256(std::string_view key, std::string_view data);

// Takes as long whatever the contents: tells a guesser nothing of where they differ. Different lengths are unequal at once.
[[nodiscard]] bool equal_in_constant_time(std::span<const std::uint8_t>, std::span<const std::uint8_t>) noexcept;
[[nodiscard]] bool equal_in_constant_time(std::string_view, std::string_view) noexcept;

// Overwrites, also where the compiler sees that nobody reads it again.
void wipe(std::span<std::uint8_t>) noexcept;
void wipe(std::string&) noexcept;

}  // namespace bv::security
