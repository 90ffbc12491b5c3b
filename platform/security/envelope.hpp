// Column encryption. Data keys encrypt values; a key-encryption key (KEK) wraps the data keys, so that rotating the KEK
// rewrites a few keys and not the tables. A value names its data key, so that old and new ones live together.
//
//   value: version (1 byte, 1) | key id (4, big-endian) | nonce (12) | ciphertext | tag (16)
//   associated data: the version and key id, then "schema.table.column:row id": a value moved to another row or column is refused.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "platform/core/clock.hpp"
#include "platform/core/error.hpp"
#include "platform/security/aead.hpp"
#include "platform/security/digest.hpp"

namespace bv::security {

// Where a value lives.
struct field_place {
    std::string_view column;  // "identity.account.email"
    std::string_view row;     // the row's id as text
};

struct field_key {
    std::uint32_t id = 0;
    time_point created{};
};

// Immutable but for rotate() and retire(): readers on several threads are safe, these two are not beside them
// (field_keys.hpp changes keys while others use them).
class field_cipher {
public:
    // One new data key.
    [[nodiscard]] static field_cipher generate(time_point now, rng& = system_rng());
    // From wrapped(). DATA_LOSS "KEYS_UNREADABLE" when it was made under another KEK or changed.
    [[nodiscard]] static result<field_cipher> unwrap(std::string_view wrapped, const aead_key& kek);
    // All keys, encrypted under the KEK: for the secrets port or a table. Wrapping again under another KEK rotates that.
    [[nodiscard]] std::string wrapped(const aead_key& kek, rng& = system_rng()) const;

    [[nodiscard]] std::string encrypt(std::string_view plain, field_place, rng& = system_rng()) const;
    // DATA_LOSS: "FIELD_KEY_UNKNOWN", or "FIELD_UNREADABLE" when changed or moved.
    [[nodiscard]] result<std::string> decrypt(std::string_view value, field_place) const;
    // Whether it was encrypted under an older key: encrypt it again when the row is written.
    [[nodiscard]] bool is_stale(std::string_view value) const noexcept;
    // From now on encrypts under a new data key; values under the older ones stay readable.
    void rotate(time_point now, rng& = system_rng());
    // Forgets an older key: its values are unreadable from now on. False when there is none, or when it is the current one.
    bool retire(std::uint32_t id);
    [[nodiscard]] std::uint32_t current_key() const noexcept { return keys_.rbegin()->first; }
    [[nodiscard]] std::vector<field_key> keys() const;  // oldest first; the last one is the current

    // Where a value under the current key begins: version and key id.
    [[nodiscard]] std::string current_header() const;
    // The key that a value, or its first header_size bytes, names; nullopt when it is no encrypted value.
    static constexpr std::size_t header_size = 5;
    [[nodiscard]] static std::optional<std::uint32_t> key_of(std::string_view value) noexcept;

    // The same text in the same column has the same index: for look-up by equality and unique constraints. Its key does not
    // rotate. Normalise first (normalised_email).
    [[nodiscard]] digest blind_index(std::string_view column, std::string_view text) const;

private:
    struct data_key {
        aead_key key;
        time_point created;
    };
    field_cipher(std::map<std::uint32_t, data_key> keys, aead_key index) : keys_(std::move(keys)), index_key_(index) {}
    std::map<std::uint32_t, data_key> keys_;  // the highest id is the current one
    aead_key index_key_;
};

// As a person may type it: without spaces around, ASCII letters in lower case.
[[nodiscard]] std::string normalised_email(std::string_view);

}  // namespace bv::security
