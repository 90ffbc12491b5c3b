#include "platform/security/jwt.hpp"

#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "platform/security/digest.hpp"
#include "platform/security/encoding.hpp"
#include "platform/security/flat_json.hpp"
#include "platform/security/token_verifier.hpp"

namespace bv::security {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

const time_point noon(seconds(1'700'000'000));
const token_expectation expected{"https://bv.example", "bitvelocity"};

struct still_clock final : clock {
    std::atomic<time_point> at{noon};
    time_point now() const override { return at; }
    steady_point steady_now() const override { return {}; }
    task<void> sleep_until(steady_point) override { co_return; }
    std::unique_ptr<timer> make_timer(asio::any_io_executor) override { return nullptr; }
};

access_claims some_claims() {
    return {.issuer = expected.issuer, .audience = expected.audience, .subject = "account-1", .id = "token-1", .issued_at = noon,
            .expires_at = noon + minutes(10), .scopes = {"orders.read", "orders.write"}, .roles = {"customer"}, .kind = token_kind::user};
}

// A token with any header and payload, signed by the ring's key.
std::string forged(const key_ring& ring, std::string_view header, std::string_view payload) {
    std::string out = base64url(header) + "." + base64url(payload);
    return out + "." + base64url(*ring.sign(ring.active_key(), out));
}
std::string good_header(const key_ring& ring) { return R"({"alg":"EdDSA","typ":"at+jwt","kid":")" + ring.active_key() + "\"}"; }

std::string refusal(std::string_view token, const key_ring& ring, time_point now = noon) {
    const auto verified = verify_token(token, ring, expected, now);
    return verified ? "" : verified.error().reason;
}

TEST(access_token, carries_its_claims) {
    const auto ring = key_ring::generate(noon);
    const std::string token = sign_token(some_claims(), *ring);
    const auto c = verify_token(token, *ring, expected, noon);
    ASSERT_TRUE(c) << c.error().message;
    EXPECT_EQ(c->subject, "account-1");
    EXPECT_EQ(c->id, "token-1");
    EXPECT_EQ(c->issued_at, noon);
    EXPECT_EQ(c->expires_at, noon + minutes(10));
    EXPECT_EQ(c->scopes, (std::vector<std::string>{"orders.read", "orders.write"}));
    EXPECT_EQ(c->roles, std::vector<std::string>{"customer"});
    EXPECT_EQ(c->kind, token_kind::user);
}

TEST(access_token, ed25519_matches_rfc_8032) {
    // Section 7.1, test 2. Sealed the way a ring keeps its keys: creation time, then the seed.
    const auto seed = parse_hex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb");
    const aead_key key = aead_key::generate();
    const auto ring = key_ring::unseal(seal(key, std::string(8, '\0') + *seed, "bitvelocity.key_ring.1"), key);
    ASSERT_TRUE(ring);
    EXPECT_EQ(hex(*(*ring)->sign((*ring)->active_key(), "\x72")),
              "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00");
}

TEST(access_token, any_flipped_bit_is_noticed) {
    const auto ring = key_ring::generate(noon);
    const std::string token = sign_token(some_claims(), *ring);
    for (std::size_t i = 0; i < token.size(); ++i) {
        for (int bit = 0; bit < 8; ++bit) {
            std::string bad = token;
            bad[i] = static_cast<char>(bad[i] ^ (1 << bit));
            EXPECT_NE(refusal(bad, *ring), "") << i << " " << bit;
        }
    }
}

TEST(access_token, truncated_and_extended_ones_are_refused) {
    const auto ring = key_ring::generate(noon);
    const std::string token = sign_token(some_claims(), *ring);
    for (std::size_t i = 0; i < token.size(); ++i) EXPECT_NE(refusal(token.substr(0, i), *ring), "") << i;
    for (const std::string_view more : {"=", ".", "A", "AA", " ", ".AAAA"}) EXPECT_NE(refusal(token + std::string(more), *ring), "") << more;
    EXPECT_EQ(refusal(std::string(5000, 'A'), *ring), "TOKEN_MALFORMED");
}

TEST(access_token, only_eddsa_is_accepted) {
    const auto ring = key_ring::generate(noon);
    const std::string payload = claims_json(some_claims());
    const std::string kid = ring->active_key();
    for (const std::string_view alg : {"none", "None", "NONE", "HS256", "RS256", "ES256", "eddsa", "Ed25519"}) {
        const std::string header = R"({"alg":")" + std::string(alg) + R"(","typ":"at+jwt","kid":")" + kid + "\"}";
        EXPECT_EQ(refusal(forged(*ring, header, payload), *ring), "TOKEN_ALGORITHM") << alg;
        EXPECT_EQ(refusal(base64url(header) + "." + base64url(payload) + ".", *ring), "TOKEN_ALGORITHM") << alg;
    }
    // The classic confusion: an HMAC under the public key, which everybody has.
    const std::string header = R"({"alg":"HS256","typ":"at+jwt","kid":")" + kid + "\"}";
    const std::string text = base64url(header) + "." + base64url(payload);
    EXPECT_EQ(refusal(text + "." + base64url(hmac_sha256(ring->jwks(), text)), *ring), "TOKEN_ALGORITHM");
    // No signature under the right algorithm.
    EXPECT_EQ(refusal(base64url(good_header(*ring)) + "." + base64url(payload) + ".", *ring), "TOKEN_SIGNATURE");
}

TEST(access_token, the_header_is_read_strictly) {
    const auto ring = key_ring::generate(noon);
    const std::string kid = ring->active_key();
    const std::string payload = claims_json(some_claims());
    for (const std::string& header : {
             R"({"alg":"EdDSA","alg":"none","typ":"at+jwt","kid":")" + kid + "\"}",
             R"({"alg":"EdDSA","typ":"JWT","kid":")" + kid + "\"}",
             R"({"alg":"EdDSA","kid":")" + kid + "\"}",
             std::string(R"({"alg":"EdDSA","typ":"at+jwt"})"),
             R"({"alg":"EdDSA","typ":"at+jwt","crit":["exp"],"kid":")" + kid + "\"}",
             R"({"alg":"EdDSA","typ":"at+jwt","jwk":"x","kid":")" + kid + "\"}",
             R"({"alg":["EdDSA"],"typ":"at+jwt","kid":")" + kid + "\"}",
             std::string("[]"), std::string("\"x\""), std::string("{"), std::string(),
         })
        EXPECT_EQ(refusal(forged(*ring, header, payload), *ring), "TOKEN_MALFORMED") << header;
}

TEST(access_token, keys_of_others_are_refused) {
    const auto ring = key_ring::generate(noon);
    const auto other = key_ring::generate(noon);
    EXPECT_EQ(refusal(sign_token(some_claims(), *other), *ring), "TOKEN_KEY_UNKNOWN");
    // Another's signature under our key's id.
    const std::string text = base64url(good_header(*ring)) + "." + base64url(claims_json(some_claims()));
    EXPECT_EQ(refusal(text + "." + base64url(*other->sign(other->active_key(), text)), *ring), "TOKEN_SIGNATURE");
}

TEST(access_token, is_for_one_issuer_audience_and_time) {
    const auto ring = key_ring::generate(noon);
    const auto with = [&](auto change) {
        access_claims c = some_claims();
        change(c);
        return refusal(sign_token(c, *ring), *ring);
    };
    EXPECT_EQ(with([](auto& c) { c.issuer = "https://evil.example"; }), "TOKEN_ISSUER");
    EXPECT_EQ(with([](auto& c) { c.audience = "another"; }), "TOKEN_AUDIENCE");
    EXPECT_EQ(with([](auto& c) { c.expires_at = c.issued_at; }), "TOKEN_MALFORMED");
    EXPECT_EQ(with([](auto& c) { c.issued_at += seconds(30), c.expires_at += minutes(1); }), "");
    EXPECT_EQ(with([](auto& c) { c.issued_at += seconds(31), c.expires_at += minutes(1); }), "TOKEN_NOT_YET_VALID");
    const std::string token = sign_token(some_claims(), *ring);
    EXPECT_EQ(refusal(token, *ring, noon + minutes(10) + seconds(29)), "");
    EXPECT_EQ(refusal(token, *ring, noon + minutes(10) + seconds(30)), "TOKEN_EXPIRED");
}

TEST(access_token, carries_its_session_and_the_microseconds_of_its_issue) {
    const auto ring = key_ring::generate(noon);
    access_claims c = some_claims();
    c.session = "session-1";
    c.issued_at += std::chrono::microseconds(123'456);
    const auto read = verify_token(sign_token(c, *ring), *ring, expected, noon);
    ASSERT_TRUE(read);
    EXPECT_EQ(read->session, "session-1");
    EXPECT_EQ(read->issued_at, noon + std::chrono::microseconds(123'456));
    const std::string plain = claims_json(c);
    for (const std::string_view bad : {R"("sid":7,)", R"("sid":"",)"}) {
        std::string payload = plain;
        payload.replace(payload.find(R"("sid":"session-1",)"), 18, bad);
        EXPECT_EQ(refusal(forged(*ring, good_header(*ring), payload), *ring), "TOKEN_MALFORMED") << bad;
    }
    for (const std::string_view bad : {"1000000", "-1", "\"1\""}) {
        std::string payload = plain;
        payload.replace(payload.find("123456"), 6, bad);
        EXPECT_EQ(refusal(forged(*ring, good_header(*ring), payload), *ring), "TOKEN_MALFORMED") << bad;
    }
}

TEST(access_token, claims_are_read_strictly) {
    const auto ring = key_ring::generate(noon);
    const std::string good = claims_json(some_claims());
    ASSERT_EQ(refusal(forged(*ring, good_header(*ring), good), *ring), "");
    const auto replaced = [&](std::string_view what, std::string_view with) {
        std::string out = good;
        const auto at = out.find(what);
        EXPECT_NE(at, std::string::npos) << what;
        return out.replace(at, what.size(), with);
    };
    for (const std::string& payload : {
             replaced("{", R"({"sub":"account-2",)"),  // a duplicate
             replaced("\"exp\":1700000600", "\"exp\":\"1700000600\""), replaced("\"exp\":1700000600", "\"exp\":1700000600.5"),
             replaced("\"exp\":1700000600", "\"exp\":1e99"), replaced("\"exp\":1700000600", "\"exp\":-1"),
             replaced("\"exp\":1700000600", "\"exp\":99999999999999999999"), replaced("\"exp\":1700000600,", ""),
             replaced("\"sub\":\"account-1\"", "\"sub\":7"), replaced("\"sub\":\"account-1\"", "\"sub\":\"\""),
             replaced("\"roles\":[", "\"roles\":[["), replaced("\"roles\":[\"customer\"]", "\"roles\":\"customer\""),
             replaced("\"kind\":\"user\"", "\"kind\":\"root\""), replaced("\"aud\":\"bitvelocity\"", "\"aud\":[\"bitvelocity\"]"),
             good + "x", std::string("null"), std::string(3000, '[')})
        EXPECT_EQ(refusal(forged(*ring, good_header(*ring), payload), *ring), "TOKEN_MALFORMED") << payload;
    EXPECT_EQ(refusal(forged(*ring, good_header(*ring), replaced("{", R"({"extra":true,)")), *ring), "");
}

TEST(flat_json, survives_random_damage) {
    seeded_rng random(11);
    const std::string good = claims_json(some_claims());
    for (int i = 0; i < 20'000; ++i) {
        std::string text = good;
        for (std::uint64_t n = random.below(4) + 1; n > 0; --n) text[random.below(text.size())] = static_cast<char>(random.below(256));
        text.resize(random.below(text.size()) + 1);
        (void)parse_claims(text);
    }
    EXPECT_FALSE(parse_flat_json(R"({"a":01})"));
    EXPECT_FALSE(parse_flat_json(R"({"a":1,})"));
    EXPECT_FALSE(parse_flat_json("{\"a\":\"\n\"}"));
    EXPECT_FALSE(parse_flat_json(R"({"a":"\u0000"})"));
    EXPECT_FALSE(parse_flat_json(R"({"a":"\u00)"));
    EXPECT_TRUE(parse_flat_json(R"( { "a" : "\u0041\n" , "b" : null, "c":[ ] } )"));
}

TEST(key_ring, an_old_key_verifies_until_it_is_retired) {
    const auto ring = key_ring::generate(noon);
    const std::string old = sign_token(some_claims(), *ring);
    ring->rotate(noon + minutes(1));
    const std::string fresh = sign_token(some_claims(), *ring);
    EXPECT_EQ(refusal(old, *ring), "");
    EXPECT_EQ(refusal(fresh, *ring), "");
    ASSERT_EQ(ring->keys().size(), 2u);
    EXPECT_EQ(ring->keys()[0].state, key_state::verifying);
    EXPECT_EQ(ring->keys()[1].state, key_state::active);
    EXPECT_EQ(ring->retire(noon + minutes(1)), 0u);
    EXPECT_EQ(ring->retire(noon + minutes(2)), 1u);
    EXPECT_EQ(refusal(old, *ring), "TOKEN_KEY_UNKNOWN");
    EXPECT_EQ(refusal(fresh, *ring), "");
    EXPECT_EQ(ring->retire(noon + minutes(99)), 0u) << "the active key stays";
}

TEST(key_ring, is_the_same_after_sealing) {
    const auto ring = key_ring::generate(noon);
    ring->rotate(noon + minutes(1));
    const aead_key key = aead_key::generate();
    const std::string sealed = ring->sealed(key);
    const auto again = key_ring::unseal(sealed, key);
    ASSERT_TRUE(again);
    EXPECT_EQ((*again)->jwks(), ring->jwks());
    EXPECT_EQ((*again)->keys()[1].created, noon + minutes(1));
    EXPECT_EQ(refusal(sign_token(some_claims(), *ring), **again), "");
    EXPECT_EQ(key_ring::unseal(sealed, aead_key::generate()).error().reason, "SIGNING_KEYS_UNREADABLE");
    EXPECT_EQ(key_ring::unseal(sealed.substr(1), key).error().reason, "SIGNING_KEYS_UNREADABLE");
}

TEST(key_ring, takes_over_a_rotation_made_elsewhere) {
    const aead_key key = aead_key::generate();
    const auto here = key_ring::generate(noon);
    const auto there = *key_ring::unseal(here->sealed(key), key);
    EXPECT_FALSE(here->adopt(*there));
    there->rotate(noon + minutes(1));
    const std::uint64_t before = here->generation();
    EXPECT_TRUE(here->adopt(*there));
    EXPECT_NE(here->generation(), before);
    EXPECT_EQ(refusal(sign_token(some_claims(), *there), *here), "");
    EXPECT_EQ(here->active_key(), there->active_key());
}

TEST(key_ring, publishes_public_keys_only_with_their_thumbprints) {
    const auto seed = parse_hex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60");  // RFC 8037, appendix A
    const aead_key key = aead_key::generate();
    const auto ring = key_ring::unseal(seal(key, std::string(8, '\0') + *seed, "bitvelocity.key_ring.1"), key);
    EXPECT_EQ((*ring)->jwks(), R"({"keys":[{"kty":"OKP","crv":"Ed25519","use":"sig","alg":"EdDSA","kid":"kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",)"
                               R"("x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]})");
}

class verifying : public testing::Test {
protected:
    still_clock clock_;
    std::shared_ptr<key_ring> ring_ = key_ring::generate(noon);
    revocations revoked_;
    token_verifier verifier_{{.expected = expected, .max_cached = 64}, *ring_, clock_, &revoked_};
    std::string token_ = sign_token(some_claims(), *ring_);
};

TEST_F(verifying, a_second_look_costs_no_signature_check) {
    const auto first = verifier_.verify(token_);
    const auto second = verifier_.verify(token_);
    ASSERT_TRUE(first && second);
    EXPECT_EQ(*first, *second);
    EXPECT_EQ(verifier_.misses(), 1u);
    EXPECT_EQ(verifier_.hits(), 1u);
}

TEST_F(verifying, a_cached_token_expires_all_the_same) {
    ASSERT_TRUE(verifier_.verify(token_));
    clock_.at = noon + minutes(10) + seconds(30);
    EXPECT_EQ(verifier_.verify(token_).error().reason, "TOKEN_EXPIRED");
    EXPECT_EQ(verifier_.cached(), 0u);
}

TEST_F(verifying, a_cached_token_falls_with_its_key) {
    ASSERT_TRUE(verifier_.verify(token_));
    ring_->rotate(noon);
    ASSERT_TRUE(verifier_.verify(token_));
    ring_->retire(noon + minutes(1));
    EXPECT_EQ(verifier_.verify(token_).error().reason, "TOKEN_KEY_UNKNOWN");
}

TEST_F(verifying, a_revoked_token_is_refused_though_cached) {
    ASSERT_TRUE(verifier_.verify(token_));
    revoked_.revoke_token("token-1", noon + minutes(10));
    EXPECT_EQ(verifier_.verify(token_).error().reason, "TOKEN_REVOKED");
    revoked_.sweep(noon + minutes(10) + seconds(30));
    EXPECT_EQ(revoked_.size(), 0u);
}

TEST_F(verifying, a_subjects_older_tokens_can_be_revoked_together) {
    ASSERT_TRUE(verifier_.verify(token_));
    revoked_.revoke_subject("account-1", noon + seconds(5), noon + minutes(15));
    revoked_.revoke_subject("account-1", noon + seconds(1), noon + minutes(11));  // an older rule does not weaken it
    EXPECT_EQ(verifier_.verify(token_).error().reason, "TOKEN_REVOKED");
    access_claims later = some_claims();
    later.issued_at = noon + seconds(6);
    EXPECT_TRUE(verifier_.verify(sign_token(later, *ring_)));
    later.subject = "account-2";
    later.issued_at = noon;
    EXPECT_TRUE(verifier_.verify(sign_token(later, *ring_)));
}

TEST_F(verifying, a_token_issued_later_in_the_same_second_outlives_a_revocation) {
    access_claims early = some_claims(), late = some_claims();
    early.issued_at += std::chrono::microseconds(400'000);
    late.issued_at += std::chrono::microseconds(600'000);
    revoked_.revoke_subject("account-1", noon + std::chrono::microseconds(500'000), noon + minutes(15));
    EXPECT_FALSE(verifier_.verify(sign_token(early, *ring_)));
    EXPECT_TRUE(verifier_.verify(sign_token(late, *ring_)));
    EXPECT_TRUE(revoked_.is_subject_revoked("account-1", noon));
    EXPECT_FALSE(revoked_.is_subject_revoked("account-1", noon + seconds(1)));
    EXPECT_FALSE(revoked_.is_subject_revoked("account-2", noon));
}

TEST_F(verifying, the_end_of_a_session_takes_its_tokens_and_no_others) {
    access_claims one = some_claims(), other = some_claims();
    one.session = "s-1";
    other.session = "s-2";
    revoked_.revoke_session("s-1", noon + minutes(15));
    EXPECT_EQ(verifier_.verify(sign_token(one, *ring_)).error().reason, "TOKEN_REVOKED");
    EXPECT_TRUE(verifier_.verify(sign_token(other, *ring_)));
    EXPECT_TRUE(verifier_.verify(token_)) << "a token without a session";
    revoked_.sweep(noon + minutes(15) + seconds(30));
    EXPECT_EQ(revoked_.size(), 0u);
}

TEST_F(verifying, bad_tokens_are_not_cached_and_the_cache_is_bounded) {
    for (int i = 0; i < 300; ++i) {
        access_claims c = some_claims();
        c.id = std::to_string(i);
        ASSERT_TRUE(verifier_.verify(sign_token(c, *ring_)));
    }
    EXPECT_LE(verifier_.cached(), 64u);
    const std::size_t before = verifier_.cached();
    EXPECT_FALSE(verifier_.verify(token_ + "A"));
    EXPECT_FALSE(verifier_.verify(std::string(100'000, 'A')));
    EXPECT_EQ(verifier_.cached(), before);
}

TEST_F(verifying, is_safe_from_several_threads) {
    std::vector<std::thread> threads;
    std::atomic<int> good{0};
    for (int t = 0; t < 4; ++t) {
        threads.emplace_back([&] {
            for (int i = 0; i < 500; ++i) good += verifier_.verify(token_) ? 1 : 0;
        });
    }
    for (int i = 0; i < 5; ++i) ring_->rotate(noon + seconds(i));
    for (auto& t : threads) t.join();
    EXPECT_EQ(good, 2000);
}

}  // namespace
}  // namespace bv::security
