// Verifies access tokens with a cache, so that a read does not pay for a signature check each time.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstring>
#include <functional>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "platform/security/digest.hpp"
#include "platform/security/jwt.hpp"

namespace bv::security {

// Tokens called back before they expire: by token, by session, and by subject ("everything issued to this account until now").
// Thread-safe; costs one atomic read while nothing is revoked. Entries leave once the tokens would have expired anyway.
class revocations {
public:
    void revoke_token(std::string_view id, time_point expires_at);
    // Tokens of the session (sid), whenever they were issued; exactly these.
    void revoke_session(std::string_view id, time_point expires_at);
    // Tokens of the subject issued at or before `until` are refused; the entry is kept until `expires_at`, by when all have expired.
    void revoke_subject(std::string_view subject, time_point until, time_point expires_at);
    [[nodiscard]] bool is_revoked(const access_claims&) const;
    // The same for what is known of a subject since `issued_at` by other means than a token: a cached API key.
    [[nodiscard]] bool is_subject_revoked(std::string_view subject, time_point issued_at) const;
    // Forgets what has expired. Call now and then.
    void sweep(time_point now);
    [[nodiscard]] std::size_t size() const;

private:
    struct subject_rule {
        time_point until, expires_at;
    };
    // So that a look-up by a view makes no string.
    struct text_hash {
        using is_transparent = void;
        std::size_t operator()(std::string_view s) const noexcept { return std::hash<std::string_view>{}(s); }
    };
    template <class T>
    using by_text = std::unordered_map<std::string, T, text_hash, std::equal_to<>>;
    mutable std::shared_mutex mutex_;
    std::atomic<bool> any_{false};
    by_text<time_point> tokens_, sessions_;
    by_text<subject_rule> subjects_;
};

// Thread-safe. A hit costs a hash of the token and one short lock of one of 16 shards.
class token_verifier {
public:
    struct options {
        token_expectation expected;
        std::size_t max_cached = 16 * 1024;  // tokens; at the bound a random other one of the shard leaves
    };
    // The ring, the clock and the revocations outlive the verifier.
    token_verifier(options, const key_ring&, const clock&, const revocations* = nullptr);

    // As verify_token(), and UNAUTHENTICATED "TOKEN_REVOKED".
    [[nodiscard]] result<std::shared_ptr<const access_claims>> verify(std::string_view token);
    // Whether it was verified before, and would be found at once.
    [[nodiscard]] bool is_cached(std::string_view token);
    [[nodiscard]] std::size_t cached() const;
    [[nodiscard]] std::uint64_t hits() const noexcept { return hits_.load(std::memory_order_relaxed); }
    [[nodiscard]] std::uint64_t misses() const noexcept { return misses_.load(std::memory_order_relaxed); }

private:
    struct entry {
        std::shared_ptr<const access_claims> claims;
        std::uint64_t generation = 0;  // of the key ring when it was verified
    };
    struct digest_hash {
        std::size_t operator()(const digest& d) const noexcept {
            std::size_t h = 0;
            std::memcpy(&h, d.data() + 8, sizeof h);
            return h;
        }
    };
    struct shard {
        mutable std::mutex mutex;
        std::unordered_map<digest, entry, digest_hash> entries;
    };

    [[nodiscard]] std::shared_ptr<const access_claims> find(shard&, const digest&, time_point now);
    void remember(shard&, const digest&, entry);

    options options_;
    const key_ring& ring_;
    const clock& clock_;
    const revocations* revoked_;
    std::array<shard, 16> shards_;
    std::atomic<std::uint64_t> hits_{0}, misses_{0};
};

}  // namespace bv::security
