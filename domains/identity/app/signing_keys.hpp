// The keys that sign access tokens, kept in the secrets so that every process of the platform has the same.
#pragma once

#include <memory>
#include <optional>

#include "domains/identity/app/environment.hpp"
#include "platform/security/key_ring.hpp"
#include "platform/security/secrets.hpp"

namespace bv::identity {

// Thread-safe, but for save(): call that under revocation_store::lock_key_rotation.
class signing_keys {
public:
    // Makes a first key when there is none. Throws failure DATA_LOSS "SIGNING_KEYS_UNREADABLE".
    signing_keys(security::secrets&, bv::clock&, bv::rng&);
    [[nodiscard]] security::key_ring& ring() const noexcept { return *ring_; }
    // Takes over what another process put there, as secrets::get() knows it; or as it is now.
    void reload();
    void reload_latest();
    void save();

private:
    [[nodiscard]] std::shared_ptr<security::key_ring> read(std::string_view sealed) const;
    security::secrets& secrets_;
    bv::rng& rng_;
    security::aead_key kek_;
    std::shared_ptr<security::key_ring> ring_;
};

// Makes a new key active; the one before verifies until its tokens have run out. With `older_than` only when the active
// key is that old. Returns whether it did. Retires what is no longer needed in any case.
task<bool> rotate_keys(environment&, signing_keys&, std::optional<seconds> older_than);

}  // namespace bv::identity
