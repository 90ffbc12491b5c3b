// The data keys of a service's encrypted columns, kept in the secrets, so that every process of the platform has the same
// ones and a new one is used without a restart.
//
// A rotation stores the new key durably before the first value is encrypted under it. A process that did not make it
// learns of it by reload(), or by the first value under it that it reads.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "platform/security/envelope.hpp"
#include "platform/security/secrets.hpp"

namespace bv::security {

// Thread-safe, but for rotate() and retire(): one at a time over all processes, under a lock of the caller's.
class field_keys {
public:
    // The secrets are "<service>.field-kek" and "<service>.field-keys"; a first key is made when there is none.
    // Throws failure DATA_LOSS "KEYS_UNREADABLE".
    field_keys(secrets&, std::string_view service, clock&, rng&);

    [[nodiscard]] std::string encrypt(std::string_view plain, field_place) const;
    // As field_cipher::decrypt.
    [[nodiscard]] result<std::string> decrypt(std::string_view value, field_place) const;
    [[nodiscard]] digest blind_index(std::string_view column, std::string_view text) const { return cipher()->blind_index(column, text); }
    // The keys as they are now: they stay as they are while held.
    [[nodiscard]] std::shared_ptr<const field_cipher> cipher() const;

    // Takes over what another process stored, as secrets::get() knows it.
    void reload() const;
    // From now on encrypts under a new key, whose id is returned.
    std::uint32_t rotate();
    // Forgets an older key for ever; false when there is none of that id, or it is the current one. Its values are
    // unreadable from then on: see first that there are none.
    bool retire(std::uint32_t id);

private:
    [[nodiscard]] std::shared_ptr<const field_cipher> read(std::string_view stored) const;
    void reload_latest() const;
    void store(field_cipher);
    void adopt(std::shared_ptr<const field_cipher>) const;

    secrets& secrets_;
    std::string name_;
    clock& clock_;
    rng& rng_;
    aead_key kek_;
    mutable std::mutex mutex_;
    mutable std::shared_ptr<const field_cipher> cipher_;
};

}  // namespace bv::security
