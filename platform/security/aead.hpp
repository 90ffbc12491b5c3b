// AES-256-GCM (NIST SP 800-38D): encrypts, and refuses what was changed or belongs elsewhere.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "platform/core/clock.hpp"

namespace bv::security {

// 256 bits, wiped when destroyed.
class aead_key {
public:
    static constexpr std::size_t size = 32;
    [[nodiscard]] static aead_key generate(rng& = system_rng());
    // nullopt unless 32 bytes.
    [[nodiscard]] static std::optional<aead_key> from_bytes(std::string_view) noexcept;

    aead_key(const aead_key&) = default;
    aead_key& operator=(const aead_key&) = default;
    ~aead_key();
    [[nodiscard]] std::string_view bytes() const noexcept { return {reinterpret_cast<const char*>(bytes_.data()), size}; }

private:
    aead_key() = default;
    std::array<std::uint8_t, size> bytes_{};
};

// nonce (12 random bytes) | ciphertext | tag (16 bytes). Random nonces are safe for 2^32 messages a key (section 8.3).
// `associated` is not encrypted but must be the same when opened.
[[nodiscard]] std::string seal(const aead_key&, std::string_view plain, std::string_view associated, rng& = system_rng());
// nullopt when any bit, the key or `associated` differs.
[[nodiscard]] std::optional<std::string> open(const aead_key&, std::string_view sealed, std::string_view associated);

inline constexpr std::size_t aead_overhead = 12 + 16;

}  // namespace bv::security
