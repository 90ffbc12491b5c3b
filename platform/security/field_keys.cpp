#include "platform/security/field_keys.hpp"

#include "platform/security/encoding.hpp"

namespace bv::security {

field_keys::field_keys(secrets& s, std::string_view service, clock& c, rng& r)
    : secrets_(s), name_(std::string(service) + ".field-keys"), clock_(c), rng_(r), kek_(s.key(std::string(service) + ".field-kek")) {
    const auto there = secrets_.get(name_);
    cipher_ = read(there ? *there : secrets_.get_or_put(name_, base64url(field_cipher::generate(c.now(), r).wrapped(kek_, r))));
}

std::string field_keys::encrypt(std::string_view plain, field_place place) const { return cipher()->encrypt(plain, place, rng_); }

result<std::string> field_keys::decrypt(std::string_view value, field_place place) const {
    const auto now = cipher();
    auto plain = now->decrypt(value, place);
    if (plain || plain.error().reason != "FIELD_KEY_UNKNOWN") return plain;
    reload_latest();
    return cipher()->decrypt(value, place);
}

std::shared_ptr<const field_cipher> field_keys::cipher() const {
    const std::scoped_lock lock(mutex_);
    return cipher_;
}

std::shared_ptr<const field_cipher> field_keys::read(std::string_view stored) const {
    auto cipher = field_cipher::unwrap(parse_base64url(stored).value_or(""), kek_);
    if (!cipher) throw failure(cipher.error());
    return std::make_shared<const field_cipher>(std::move(*cipher));
}

void field_keys::adopt(std::shared_ptr<const field_cipher> fresh) const {
    const std::scoped_lock lock(mutex_);
    cipher_ = std::move(fresh);
}

void field_keys::reload() const {
    if (const auto there = secrets_.get(name_)) adopt(read(*there));
}

void field_keys::reload_latest() const {
    if (const auto there = secrets_.get_latest(name_)) adopt(read(*there));
}

void field_keys::store(field_cipher changed) {
    secrets_.put(name_, base64url(changed.wrapped(kek_, rng_)));
    adopt(std::make_shared<const field_cipher>(std::move(changed)));
}

std::uint32_t field_keys::rotate() {
    reload_latest();
    field_cipher changed = *cipher();
    changed.rotate(clock_.now(), rng_);
    const auto id = changed.current_key();
    store(std::move(changed));
    return id;
}

bool field_keys::retire(std::uint32_t id) {
    reload_latest();
    field_cipher changed = *cipher();
    if (!changed.retire(id)) return false;
    store(std::move(changed));
    return true;
}

}  // namespace bv::security
