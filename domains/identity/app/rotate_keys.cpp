#include "domains/identity/app/signing_keys.hpp"

#include "platform/security/encoding.hpp"

namespace bv::identity {

namespace {

constexpr std::string_view kek_name = "identity.signing-kek", keys_name = "identity.signing-keys";

// The lock is the transaction's: nothing else is written in it.
task<bool> rotate(environment& env, storage::unit_of_work& uow, signing_keys& keys, std::optional<seconds> older_than) {
    co_await env.revocations.lock_key_rotation(uow);
    keys.reload_latest();
    auto& ring = keys.ring();
    const auto now = env.clock.now();
    const bool due = !older_than || now - ring.keys().back().created >= *older_than;
    if (due) ring.rotate(now, env.rng);
    // Another process may sign with the old key until it looks for a new one: twice the skew leaves it time.
    const auto retired = ring.retire(now - (env.tokens.all_out(now) - now) - security::clock_skew);
    if (due || retired > 0) keys.save();
    co_return due;
}

}  // namespace

signing_keys::signing_keys(security::secrets& s, bv::clock& c, bv::rng& r) : secrets_(s), rng_(r), kek_(s.key(kek_name)) {
    const auto there = secrets_.get(keys_name);
    ring_ = read(there ? *there : secrets_.get_or_put(keys_name, security::base64url(security::key_ring::generate(c.now(), r)->sealed(kek_, r))));
}

std::shared_ptr<security::key_ring> signing_keys::read(std::string_view sealed) const {
    auto ring = security::key_ring::unseal(security::parse_base64url(sealed).value_or(""), kek_);
    if (!ring) throw failure(ring.error());
    return std::move(*ring);
}

void signing_keys::reload() {
    const auto there = secrets_.get(keys_name);
    if (there) ring_->adopt(*read(*there));
}

void signing_keys::reload_latest() {
    const auto there = secrets_.get_latest(keys_name);
    if (there) ring_->adopt(*read(*there));
}

void signing_keys::save() { secrets_.put(keys_name, security::base64url(ring_->sealed(kek_, rng_))); }

task<bool> rotate_keys(environment& env, signing_keys& keys, std::optional<seconds> older_than) {
    storage::transaction_options options;
    options.identity = storage::system_identity("service:identity");
    co_return co_await env.transactor.transact(options, [&](storage::unit_of_work& uow) { return rotate(env, uow, keys, older_than); });
}

}  // namespace bv::identity
