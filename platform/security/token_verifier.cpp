#include "platform/security/token_verifier.hpp"

namespace bv::security {

void revocations::revoke_token(std::string_view id, time_point expires_at) {
    const std::unique_lock lock(mutex_);
    tokens_.insert_or_assign(std::string(id), expires_at);
    any_.store(true, std::memory_order_release);
}

void revocations::revoke_session(std::string_view id, time_point expires_at) {
    const std::unique_lock lock(mutex_);
    sessions_.insert_or_assign(std::string(id), expires_at);
    any_.store(true, std::memory_order_release);
}

void revocations::revoke_subject(std::string_view subject, time_point until, time_point expires_at) {
    const std::unique_lock lock(mutex_);
    subject_rule& rule = subjects_[std::string(subject)];
    rule = {std::max(rule.until, until), std::max(rule.expires_at, expires_at)};
    any_.store(true, std::memory_order_release);
}

bool revocations::is_revoked(const access_claims& c) const {
    if (!any_.load(std::memory_order_acquire)) return false;
    const std::shared_lock lock(mutex_);
    if (tokens_.contains(c.id) || (!c.session.empty() && sessions_.contains(c.session))) return true;
    const auto rule = subjects_.find(c.subject);
    return rule != subjects_.end() && c.issued_at <= rule->second.until;
}

bool revocations::is_subject_revoked(std::string_view subject, time_point issued_at) const {
    if (!any_.load(std::memory_order_acquire)) return false;
    const std::shared_lock lock(mutex_);
    const auto rule = subjects_.find(subject);
    return rule != subjects_.end() && issued_at <= rule->second.until;
}

void revocations::sweep(time_point now) {
    const std::unique_lock lock(mutex_);
    const auto is_past = [now](const auto& t) { return t.second + clock_skew <= now; };
    std::erase_if(tokens_, is_past);
    std::erase_if(sessions_, is_past);
    std::erase_if(subjects_, [now](const auto& s) { return s.second.expires_at + clock_skew <= now; });
    any_.store(!tokens_.empty() || !sessions_.empty() || !subjects_.empty(), std::memory_order_release);
}

std::size_t revocations::size() const {
    const std::shared_lock lock(mutex_);
    return tokens_.size() + sessions_.size() + subjects_.size();
}

token_verifier::token_verifier(options o, const key_ring& ring, const clock& c, const revocations* revoked)
    : options_(std::move(o)), ring_(ring), clock_(c), revoked_(revoked) {}

result<std::shared_ptr<const access_claims>> token_verifier::verify(std::string_view token) {
    // Before the hash: nobody makes us hash megabytes.
    if (token.size() > max_token_bytes) return fail(code::unauthenticated, "TOKEN_MALFORMED", "The access token is too long.");
    const digest key = sha256(token);
    const time_point now = clock_.now();
    shard& s = shards_[key[0] % shards_.size()];
    std::shared_ptr<const access_claims> claims = find(s, key, now);
    if (claims) {
        hits_.fetch_add(1, std::memory_order_relaxed);
    } else {
        misses_.fetch_add(1, std::memory_order_relaxed);
        const std::uint64_t generation = ring_.generation();
        auto verified = verify_token(token, ring_, options_.expected, now);
        if (!verified) return std::unexpected(std::move(verified.error()));
        claims = std::make_shared<const access_claims>(std::move(*verified));
        remember(s, key, {claims, generation});
    }
    if (revoked_ != nullptr && revoked_->is_revoked(*claims))
        return fail(code::unauthenticated, "TOKEN_REVOKED", "The access token was revoked: sign in again.");
    return claims;
}

bool token_verifier::is_cached(std::string_view token) {
    if (token.size() > max_token_bytes) return false;
    const digest key = sha256(token);
    return find(shards_[key[0] % shards_.size()], key, clock_.now()) != nullptr;
}

std::shared_ptr<const access_claims> token_verifier::find(shard& s, const digest& key, time_point now) {
    const std::scoped_lock lock(s.mutex);
    const auto found = s.entries.find(key);
    if (found == s.entries.end()) return nullptr;
    const entry& e = found->second;
    if (now < e.claims->expires_at + clock_skew && e.generation == ring_.generation()) return e.claims;
    s.entries.erase(found);
    return nullptr;
}

void token_verifier::remember(shard& s, const digest& key, entry e) {
    const std::size_t bound = std::max<std::size_t>(1, options_.max_cached / shards_.size());
    const std::scoped_lock lock(s.mutex);
    // The first in hash order is as good as any: keys are SHA-256.
    if (s.entries.size() >= bound && !s.entries.contains(key)) s.entries.erase(s.entries.begin());
    s.entries.insert_or_assign(key, std::move(e));
}

std::size_t token_verifier::cached() const {
    std::size_t total = 0;
    for (const shard& s : shards_) {
        const std::scoped_lock lock(s.mutex);
        total += s.entries.size();
    }
    return total;
}

}  // namespace bv::security
