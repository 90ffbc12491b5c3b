// Text forms of bytes: base64url without padding (RFC 4648 section 5), base64 with it (section 4), lower-case hexadecimal, base 62.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace bv::security {

[[nodiscard]] inline std::span<const std::uint8_t> as_bytes(std::string_view text) noexcept {
    return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}
[[nodiscard]] inline std::string_view as_text(std::span<const std::uint8_t> bytes) noexcept {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

[[nodiscard]] std::string base64url(std::span<const std::uint8_t>);
[[nodiscard]] inline std::string base64url(std::string_view text) { return base64url(as_bytes(text)); }
// Strict: no padding, no other characters, no unused bits set, so that every value has one text only.
[[nodiscard]] std::optional<std::string> parse_base64url(std::string_view);

// For the interfaces of others that want the older alphabet.
[[nodiscard]] std::string base64(std::string_view bytes);
[[nodiscard]] std::optional<std::string> parse_base64(std::string_view);  // as strict

[[nodiscard]] std::string hex(std::span<const std::uint8_t>);
[[nodiscard]] std::optional<std::string> parse_hex(std::string_view);  // either case

// The bytes as one big-endian number in base 62 (0-9A-Za-z), padded to the length that all values of this many bytes need.
[[nodiscard]] std::string base62(std::span<const std::uint8_t>);
// The length of base62() of n bytes.
[[nodiscard]] std::size_t base62_length(std::size_t bytes) noexcept;
// Back to exactly `bytes` bytes; nullopt for another length, another character or too large a number.
[[nodiscard]] std::optional<std::string> parse_base62(std::string_view, std::size_t bytes);

}  // namespace bv::security
