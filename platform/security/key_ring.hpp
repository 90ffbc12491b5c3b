// The Ed25519 keys (RFC 8032) that sign access tokens: one signs, older ones verify until the tokens they signed have expired.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "platform/core/clock.hpp"
#include "platform/core/error.hpp"
#include "platform/security/aead.hpp"

namespace bv::security {

using ed25519_signature = std::array<std::uint8_t, 64>;

enum class key_state : unsigned char {
    active,     // signs and verifies
    verifying,  // verifies what it has signed
};

struct key_info {
    std::string id;  // kid: the key's thumbprint (RFC 7638)
    key_state state = key_state::active;
    time_point created{};
};

// Thread-safe.
class key_ring {
public:
    // One new active key.
    [[nodiscard]] static std::shared_ptr<key_ring> generate(time_point now, rng& = system_rng());
    // From sealed(). DATA_LOSS "SIGNING_KEYS_UNREADABLE" under another key or when changed.
    [[nodiscard]] static result<std::shared_ptr<key_ring>> unseal(std::string_view sealed, const aead_key&);
    // Keys of others, which verify and do not sign: raw public keys, oldest first. INVALID_ARGUMENT "PUBLIC_KEY_MALFORMED", also for none.
    struct public_key {
        std::string bytes;  // 32 of them
        time_point created{};
    };
    [[nodiscard]] static result<std::shared_ptr<key_ring>> verifying(std::span<const public_key>);
    [[nodiscard]] std::vector<public_key> public_keys() const;
    ~key_ring();

    // Private keys included, encrypted.
    [[nodiscard]] std::string sealed(const aead_key&, rng& = system_rng()) const;
    // Public keys for others to verify with (RFC 7517, RFC 8037 section 2).
    [[nodiscard]] std::string jwks() const;
    [[nodiscard]] std::vector<key_info> keys() const;

    // A new key becomes active, the active one verifying.
    void rotate(time_point now, rng& = system_rng());
    // Removes verifying keys whose successor is older than that: give now - (the longest life of a token + clock skew).
    std::size_t retire(time_point successor_before);

    // Takes over the keys of another ring (one read from where a rotation elsewhere put it). False when they are the same already.
    bool adopt(const key_ring&);

    [[nodiscard]] std::string active_key() const;
    // nullopt when there is no such key (any more), or only its public part.
    [[nodiscard]] std::optional<ed25519_signature> sign(std::string_view key, std::string_view text) const;
    enum class check : unsigned char { good, bad, unknown_key };
    [[nodiscard]] check verify(std::string_view key, std::string_view text, std::string_view signature) const;
    // Changes whenever keys do: what was verified before has to be verified again.
    [[nodiscard]] std::uint64_t generation() const noexcept { return generation_.load(std::memory_order_acquire); }

private:
    struct key;
    using keys_list = std::vector<std::shared_ptr<const key>>;  // oldest first, the last one is active

    explicit key_ring(keys_list keys);
    [[nodiscard]] keys_list snapshot() const;
    [[nodiscard]] std::shared_ptr<const key> find(std::string_view id) const;

    mutable std::mutex mutex_;
    keys_list keys_;
    std::atomic<std::uint64_t> generation_{0};
};

}  // namespace bv::security
