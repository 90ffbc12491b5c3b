#include <set>

#include <gtest/gtest.h>

#include "platform/security/aead.hpp"
#include "platform/security/api_key.hpp"
#include "platform/security/digest.hpp"
#include "platform/security/encoding.hpp"
#include "platform/security/envelope.hpp"
#include "platform/security/hmac_signature.hpp"
#include "platform/security/token.hpp"

namespace bv::security {
namespace {

TEST(encoding, matches_the_vectors_of_rfc_4648) {
    const std::pair<std::string_view, std::string_view> vectors[] = {
        {"", ""}, {"f", "Zg"}, {"fo", "Zm8"}, {"foo", "Zm9v"}, {"foob", "Zm9vYg"}, {"fooba", "Zm9vYmE"}, {"foobar", "Zm9vYmFy"},
        {"\xfb\xff", "-_8"}};
    for (const auto& [plain, text] : vectors) {
        EXPECT_EQ(base64url(plain), text);
        EXPECT_EQ(parse_base64url(text), plain);
    }
}

TEST(encoding, refuses_what_is_no_canonical_base64url) {
    for (const std::string_view text : {"Zg==", "Z", "Zh", "Zm9=", "Zm+v", "Zm/v", "Zm 9", "Zm9v\n"}) EXPECT_FALSE(parse_base64url(text)) << text;
}

TEST(encoding, round_trips_random_bytes) {
    seeded_rng random(7);
    for (std::size_t size = 0; size < 70; ++size) {
        std::string bytes(size, '\0');
        random.fill({reinterpret_cast<std::uint8_t*>(bytes.data()), size});
        EXPECT_EQ(parse_base64url(base64url(bytes)), bytes);
        EXPECT_EQ(parse_hex(hex(as_bytes(bytes))), bytes);
        EXPECT_EQ(parse_base62(base62(as_bytes(bytes)), size), bytes);
    }
    EXPECT_EQ(parse_base62(base62(as_bytes(std::string(16, '\xff'))), 16), std::string(16, '\xff'));
    EXPECT_FALSE(parse_base62(std::string(22, 'z'), 16));  // larger than 16 bytes hold
    EXPECT_FALSE(parse_base62(std::string(21, '0') + "-", 16));
    EXPECT_FALSE(parse_hex("0g"));
    EXPECT_FALSE(parse_hex("0"));
}

TEST(digest, matches_published_vectors) {
    EXPECT_EQ(hex(sha256("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    // RFC 4231, test case 2
    EXPECT_EQ(hex(hmac_sha256("Jefe", "what do ya want for nothing?")), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

TEST(digest, compares) {
    EXPECT_TRUE(equal_in_constant_time("abc", "abc"));
    EXPECT_FALSE(equal_in_constant_time("abc", "abd"));
    EXPECT_FALSE(equal_in_constant_time("abc", "abcd"));
    EXPECT_TRUE(equal_in_constant_time("", ""));
}

TEST(opaque_token, is_long_random_and_found_by_its_hash) {
    const opaque_token a = new_opaque_token();
    const opaque_token b = new_opaque_token();
    EXPECT_EQ(a.text.size(), 43u);
    EXPECT_NE(a.text, b.text);
    EXPECT_EQ(hash_of_token(a.text), a.hash);
    EXPECT_NE(hash_of_token(b.text), a.hash);
}

TEST(api_key, is_parsed_back_and_matches_its_hash_only) {
    const uuid id = uuid::named("key");
    const new_api_key key = mint_api_key(id);
    EXPECT_TRUE(key.text.starts_with("bvk_"));
    EXPECT_TRUE(looks_like_api_key(key.text));
    const auto parsed = parse_api_key(key.text);
    ASSERT_TRUE(parsed);
    EXPECT_EQ(parsed->id, id);
    EXPECT_TRUE(parsed->matches(key.hash));
    EXPECT_FALSE(parsed->matches(mint_api_key(id).hash));
}

TEST(api_key, is_refused_when_mistyped) {
    const std::string text = mint_api_key(uuid::named("key")).text;
    for (std::size_t i = 0; i < text.size(); ++i) {
        std::string wrong = text;
        wrong[i] = wrong[i] == 'a' ? 'b' : 'a';
        EXPECT_FALSE(parse_api_key(wrong)) << i;
        EXPECT_FALSE(parse_api_key(text.substr(0, i))) << i;
    }
    EXPECT_FALSE(parse_api_key(text + "0"));
    EXPECT_FALSE(parse_api_key(""));
}

TEST(aead, opens_what_it_sealed_and_nothing_else) {
    const aead_key key = aead_key::generate();
    const std::string sealed = seal(key, "four score", "here");
    EXPECT_EQ(open(key, sealed, "here"), "four score");
    EXPECT_FALSE(open(key, sealed, "there"));
    EXPECT_FALSE(open(aead_key::generate(), sealed, "here"));
    for (std::size_t i = 0; i < sealed.size(); ++i) {
        std::string changed = sealed;
        changed[i] = static_cast<char>(changed[i] ^ 1);
        EXPECT_FALSE(open(key, changed, "here")) << i;
        EXPECT_FALSE(open(key, sealed.substr(0, i), "here")) << i;
    }
    EXPECT_NE(seal(key, "four score", "here"), sealed);  // another nonce
    EXPECT_EQ(open(key, seal(key, "", ""), ""), "");
}

constexpr field_place email{"identity.account.email", "0190"};
const time_point morning(std::chrono::seconds(1'600'000'000)), evening(std::chrono::seconds(1'600'010'000));

TEST(field_cipher, reads_its_own_values_in_their_place_only) {
    const field_cipher cipher = field_cipher::generate(morning);
    const std::string value = cipher.encrypt("ada@example.com", email);
    EXPECT_EQ(value.find("ada"), std::string::npos);
    EXPECT_EQ(*cipher.decrypt(value, email), "ada@example.com");
    EXPECT_EQ(cipher.decrypt(value, {email.column, "0191"}).error().reason, "FIELD_UNREADABLE");
    EXPECT_EQ(cipher.decrypt(value, {"identity.account.phone", email.row}).error().reason, "FIELD_UNREADABLE");
    EXPECT_EQ(field_cipher::generate(morning).decrypt(value, email).error().reason, "FIELD_UNREADABLE");
    for (std::size_t i = 0; i < value.size(); ++i) {
        std::string changed = value;
        changed[i] = static_cast<char>(changed[i] ^ 4);
        EXPECT_FALSE(cipher.decrypt(changed, email)) << i;
        EXPECT_FALSE(cipher.decrypt(value.substr(0, i), email)) << i;
    }
}

TEST(field_cipher, keeps_reading_old_values_after_rotation) {
    field_cipher cipher = field_cipher::generate(morning);
    const std::string old = cipher.encrypt("x", email);
    EXPECT_FALSE(cipher.is_stale(old));
    cipher.rotate(evening);
    EXPECT_EQ(cipher.current_key(), 2u);
    EXPECT_TRUE(cipher.is_stale(old));
    EXPECT_EQ(*cipher.decrypt(old, email), "x");
    const std::string fresh = cipher.encrypt("x", email);
    EXPECT_FALSE(cipher.is_stale(fresh));
    EXPECT_EQ(cipher.decrypt(std::string("\1\0\0\0\11", 5) + fresh.substr(5), email).error().reason, "FIELD_KEY_UNKNOWN");
    // A value may not pretend that another of our keys encrypted it.
    EXPECT_EQ(cipher.decrypt(std::string("\1\0\0\0\1", 5) + fresh.substr(5), email).error().reason, "FIELD_UNREADABLE");
}

TEST(field_cipher, survives_wrapping_under_the_right_key_only) {
    field_cipher cipher = field_cipher::generate(morning);
    cipher.rotate(evening);
    const aead_key kek = aead_key::generate();
    const std::string wrapped = cipher.wrapped(kek);
    const auto again = field_cipher::unwrap(wrapped, kek);
    ASSERT_TRUE(again);
    EXPECT_EQ(*again->decrypt(cipher.encrypt("x", email), email), "x");
    EXPECT_EQ(again->blind_index("c", "x"), cipher.blind_index("c", "x"));
    EXPECT_EQ(again->current_key(), 2u);
    ASSERT_EQ(again->keys().size(), 2u);
    EXPECT_EQ(again->keys().front().created, morning);
    EXPECT_EQ(again->keys().back().created, evening);
    EXPECT_EQ(field_cipher::unwrap(wrapped, aead_key::generate()).error().reason, "KEYS_UNREADABLE");
    EXPECT_EQ(field_cipher::unwrap("", kek).error().reason, "KEYS_UNREADABLE");
}

TEST(field_cipher, reads_keys_that_were_wrapped_without_their_times) {
    const aead_key kek = aead_key::generate();
    std::string plain(32, 'i');
    plain.append("\0\0\0\7", 4).append(32, 'k');
    const auto read = field_cipher::unwrap(seal(kek, plain, "bitvelocity.field_cipher.1"), kek);
    ASSERT_TRUE(read);
    EXPECT_EQ(read->current_key(), 7u);
    EXPECT_EQ(read->keys().front().created, time_point{});
    EXPECT_EQ(*field_cipher::unwrap(read->wrapped(kek), kek)->decrypt(read->encrypt("x", email), email), "x");
}

TEST(field_cipher, forgets_an_older_key_and_never_the_current_one) {
    field_cipher cipher = field_cipher::generate(morning);
    const std::string old = cipher.encrypt("x", email);
    EXPECT_FALSE(cipher.retire(1)) << "it encrypts";
    cipher.rotate(evening);
    EXPECT_EQ(field_cipher::key_of(old), 1u);
    EXPECT_TRUE(old.substr(0, 5) < cipher.current_header());
    EXPECT_FALSE(cipher.retire(3)) << "there is none";
    EXPECT_TRUE(cipher.retire(1));
    EXPECT_EQ(cipher.decrypt(old, email).error().reason, "FIELD_KEY_UNKNOWN");
    cipher.rotate(evening);
    EXPECT_EQ(cipher.current_key(), 3u) << "an id is never given twice";
    EXPECT_EQ(field_cipher::key_of("\2\0\0\0\1"), std::nullopt);
    EXPECT_EQ(field_cipher::key_of(""), std::nullopt);
}

TEST(field_cipher, blind_index_is_the_same_for_the_same_text_of_the_same_column) {
    const field_cipher cipher = field_cipher::generate(morning);
    EXPECT_EQ(cipher.blind_index("a.email", normalised_email(" Ada@Example.COM ")), cipher.blind_index("a.email", "ada@example.com"));
    EXPECT_NE(cipher.blind_index("a.email", "x"), cipher.blind_index("a.phone", "x"));
    EXPECT_NE(cipher.blind_index("a.email", "x"), field_cipher::generate(morning).blind_index("a.email", "x"));
}

const time_point noon(std::chrono::seconds(1'700'000'000));

TEST(body_signature, holds_for_the_body_the_secret_and_a_while) {
    const std::string header = sign_body("s3", "{\"id\":1}", noon);
    EXPECT_TRUE(header.starts_with("t=1700000000,v1="));
    EXPECT_TRUE(verify_body({"s3"}, header, "{\"id\":1}", noon + std::chrono::minutes(4)));
    EXPECT_TRUE(verify_body({"new", "s3"}, header, "{\"id\":1}", noon));
    EXPECT_EQ(verify_body({"s4"}, header, "{\"id\":1}", noon).error().reason, "SIGNATURE_MISMATCH");
    EXPECT_EQ(verify_body({"s3"}, header, "{\"id\":2}", noon).error().reason, "SIGNATURE_MISMATCH");
    EXPECT_EQ(verify_body({"s3"}, header, "{\"id\":1}", noon + std::chrono::minutes(6)).error().reason, "SIGNATURE_TOO_OLD");
    EXPECT_EQ(verify_body({"s3"}, header, "{\"id\":1}", noon - std::chrono::minutes(6)).error().reason, "SIGNATURE_TOO_OLD");
    std::string later = header;
    later[11] = '5';
    EXPECT_EQ(verify_body({"s3"}, later, "{\"id\":1}", noon).error().reason, "SIGNATURE_MISMATCH");
    EXPECT_TRUE(verify_body({"s3"}, "v2=zz," + header + ",v1=" + std::string(64, '0'), "{\"id\":1}", noon));
}

TEST(body_signature, malformed_headers_are_refused) {
    const std::string v1 = "v1=" + std::string(64, '0');
    for (const std::string& header : {std::string(), std::string("t="), std::string("t=1700000000"), v1, "t=x," + v1, "t=-1," + v1, "t=1,t=2," + v1,
                                      std::string("t=1,v1=00"), "t=99999999999999999999," + v1, "t=9223372036854775807," + v1,
                                      std::string(5000, ',')})
        EXPECT_EQ(verify_body({"s"}, header, "", noon).error().reason, "SIGNATURE_MALFORMED") << header;
}

}  // namespace
}  // namespace bv::security
