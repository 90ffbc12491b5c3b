// Who is calling: the authenticator, API keys, OAuth, signing keys, revocations across processes, development accounts.
#include <boost/json.hpp>
#include <openssl/evp.h>

#include "domains/identity/identity_world.hpp"
#include "platform/events/embedded_log.hpp"
#include "platform/security/api_key.hpp"
#include "platform/security/encoding.hpp"
#include "platform/security/jwt.hpp"

namespace bv::identity::testing {
namespace {

namespace js = boost::json;

class access : public identity_world {
protected:
    std::string key_refusal(const std::string& key) {
        const auto who = run(service_->authenticator().api_key(key));
        return who ? "" : who.error().reason;
    }
    std::string revoke(const std::string& id) {
        contract::RevokeApiKeyRequest r;
        r.set_id(id);
        auto ctx = as_admin();
        return reason(run(api().revoke_api_key(ctx, r)));
    }
    http::response send(const std::string& verb, const std::string& path, const std::string& form = {}, const std::string& authorization = {},
                        const std::string& type = "application/x-www-form-urlencoded") {
        for (auto& route : service_->raw_routes()) {
            if (route.verb != verb || route.path != path) continue;
            http::request request;
            request.target = path;
            request.body = form;
            request.remote_address = "192.0.2.1";
            request.headers.set("Content-Type", type);
            if (!authorization.empty()) request.headers.set("Authorization", authorization);
            return run(route.handler(request));
        }
        throw std::runtime_error("no route " + path);
    }
    http::response token(const std::string& form, const std::string& authorization = {}) { return send("POST", "/oauth2/token", form, authorization); }
    static std::string error_of(const http::response& r) { return std::string(js::parse(r.body).at("error").as_string()); }
    static std::string basic(const std::string& id, const std::string& secret) {
        std::string text = security::base64url(id + ":" + secret);
        for (char& c : text) c = c == '-' ? '+' : c == '_' ? '/' : c;
        while (text.size() % 4 != 0) text += '=';
        return "Basic " + text;
    }
};

TEST_F(access, an_api_key_says_who_calls) {
    const auto made = make_key("importer");
    const auto who = run(service_->authenticator().api_key(made.secret()));
    ASSERT_TRUE(who) << who.error().message;
    EXPECT_EQ(who->kind, rpc::caller_kind::api_key);
    EXPECT_EQ(who->id.str(), made.api_key().id());
    EXPECT_TRUE(who->has_scope("accounts.import"));
    EXPECT_FALSE(who->has_scope("accounts.admin"));
}

TEST_F(access, api_keys_that_are_made_up_unknown_or_another_ones_are_refused) {
    const auto made = make_key("importer");
    auto mistyped = made.secret();
    mistyped[10] = mistyped[10] == 'a' ? 'b' : 'a';
    EXPECT_EQ(key_refusal(mistyped), "API_KEY_INVALID");
    EXPECT_EQ(key_refusal(""), "API_KEY_INVALID");
    EXPECT_EQ(key_refusal(security::mint_api_key(uuid::named("unknown")).text), "API_KEY_INVALID");
    // Well-formed, with the id of a key that there is.
    EXPECT_EQ(key_refusal(security::mint_api_key(*uuid::parse(made.api_key().id())).text), "API_KEY_INVALID");
}

TEST_F(access, a_key_is_looked_up_once_and_noticed_when_it_is_revoked_or_expires) {
    const auto made = make_key("importer");
    ASSERT_EQ(key_refusal(made.secret()), "");
    one<std::int64_t>("WITH gone AS (DELETE FROM identity.api_keys RETURNING 1) SELECT count(*) FROM gone");
    EXPECT_EQ(key_refusal(made.secret()), "") << "from the cache";
    clock_.advance(seconds(30));
    EXPECT_EQ(key_refusal(made.secret()), "API_KEY_INVALID") << "asked again after half a minute";

    const auto other = make_key("importer");
    ASSERT_EQ(key_refusal(other.secret()), "");
    EXPECT_EQ(revoke(other.api_key().id()), "");
    EXPECT_EQ(key_refusal(other.secret()), "API_KEY_INVALID") << "at once";
    EXPECT_EQ(revoke(other.api_key().id()), "") << "twice is no error";
    EXPECT_EQ(revoke(uuid::named("nobody").str()), "API_KEY_NOT_FOUND");
    EXPECT_EQ(one<std::int64_t>("SELECT count(*) FROM identity.outbox WHERE type LIKE '%.ApiKeyRevoked'"), 1);

    contract::CreateApiKeyRequest r;
    r.set_label("short-lived");
    r.add_roles("auditor");
    r.mutable_expire_time()->set_seconds(std::chrono::duration_cast<seconds>(clock_.now().time_since_epoch()).count() + 10);
    auto ctx = as_admin();
    const auto brief = run(api().create_api_key(ctx, r));
    ASSERT_TRUE(brief) << brief.error().message;
    EXPECT_EQ(key_refusal(brief->secret()), "");
    clock_.advance(seconds(10));
    EXPECT_EQ(key_refusal(brief->secret()), "API_KEY_INVALID") << "not kept beyond its end";
    EXPECT_EQ(run(api().create_api_key(ctx, r)).error().violations.at(0).field, "expire_time");
}

TEST_F(access, api_keys_are_listed_without_their_secrets) {
    const auto made = make_key("auditor");
    ASSERT_EQ(key_refusal(made.secret()), "");
    auto ctx = as_admin();
    const auto listed = run(api().list_api_keys(ctx, {}));
    ASSERT_TRUE(listed) << listed.error().message;
    ASSERT_EQ(listed->api_keys_size(), 1);
    EXPECT_EQ(listed->api_keys(0).roles(0), "auditor");
    EXPECT_TRUE(listed->api_keys(0).has_last_use_time());
    EXPECT_EQ(listed->ShortDebugString().find(made.secret().substr(40)), std::string::npos);
    EXPECT_EQ(one<std::int64_t>("SELECT count(*) FROM audit.entries e, identity.api_keys k WHERE e::text LIKE '%' || encode(k.secret_hash, 'hex') || '%'"), 0) << "redacted";
    contract::CreateApiKeyRequest r;
    r.set_label("x");
    r.add_roles("emperor");
    EXPECT_EQ(run(api().create_api_key(ctx, r)).error().violations.at(0).field, "roles[0]");
    auto nobody = anybody();
    EXPECT_EQ(reason(run(api().create_api_key(nobody, r))), "CREDENTIALS_REQUIRED");
}

TEST_F(access, forged_tokens_are_refused) {
    ASSERT_TRUE(open_account("ada@example.org"));
    const auto good = log_in("ada@example.org")->access_token();
    const auto first = good.find('.'), second = good.rfind('.');
    const auto header = good.substr(0, first), payload = good.substr(first + 1, second - first - 1);
    const auto none = security::base64url(R"({"alg":"none","typ":"at+jwt","kid":")" + std::string("x") + "\"}");
    EXPECT_EQ(refusal(none + "." + payload + "."), "TOKEN_ALGORITHM");
    EXPECT_EQ(refusal(header + "." + payload + "."), "TOKEN_SIGNATURE");
    auto admin = *security::parse_base64url(payload);
    admin.replace(admin.find("customer"), 8, "admin");
    EXPECT_EQ(refusal(header + "." + security::base64url(admin) + good.substr(second)), "TOKEN_SIGNATURE");
    const auto strangers = security::key_ring::generate(clock_.now());
    auto claims = *security::parse_claims(*security::parse_base64url(payload));
    EXPECT_EQ(refusal(security::sign_token(claims, *strangers)), "TOKEN_KEY_UNKNOWN");
    EXPECT_EQ(refusal(""), "TOKEN_MALFORMED");
    EXPECT_EQ(refusal(make_key("admin").secret()), "TOKEN_MALFORMED");
}

TEST_F(access, nobody_comes_in_as_a_service) {
    security::access_claims c;
    c.issuer = "http://localhost:8080";
    c.audience = "bitvelocity";
    c.subject = uuid::named("order").str();
    c.id = "1";
    c.issued_at = clock_.now();
    c.expires_at = clock_.now() + seconds(60);
    c.kind = security::token_kind::service;
    const auto kek = secrets_.key("identity.signing-kek");
    const auto ring = *security::key_ring::unseal(*security::parse_base64url(*secrets_.get("identity.signing-keys")), kek);
    EXPECT_EQ(refusal(security::sign_token(c, *ring)), "TOKEN_MALFORMED");
    c.kind = security::token_kind::user;
    EXPECT_EQ(refusal(security::sign_token(c, *ring)), "") << "but for its kind it is good";
}

TEST_F(access, a_key_is_traded_for_an_access_token) {
    const auto made = make_key("importer");
    const auto in_form = token("grant_type=client_credentials&client_id=" + made.api_key().id() + "&client_secret=" + made.secret());
    ASSERT_EQ(in_form.status, 200) << in_form.body;
    EXPECT_EQ(in_form.headers.get("Cache-Control"), "no-store");
    const auto body = js::parse(in_form.body);
    EXPECT_EQ(body.at("token_type").as_string(), "Bearer");
    EXPECT_EQ(body.at("expires_in").as_int64(), 900);
    EXPECT_FALSE(body.as_object().contains("refresh_token"));
    const auto who = as(std::string(body.at("access_token").as_string())).caller;
    EXPECT_EQ(who.actor(), "api_key:" + made.api_key().id());
    EXPECT_TRUE(who.has_scope("accounts.import"));

    const auto by_header = token("grant_type=client_credentials&scope=orders.read.any+accounts.admin", basic(made.api_key().id(), made.secret()));
    ASSERT_EQ(by_header.status, 200) << by_header.body;
    EXPECT_EQ(js::parse(by_header.body).at("scope").as_string(), "orders.read.any") << "narrowed to what was asked for and is allowed";
    const std::string narrow(js::parse(by_header.body).at("access_token").as_string());
    EXPECT_FALSE(as(narrow).caller.has_scope("accounts.import"));
    EXPECT_EQ(revoke(made.api_key().id()), "");
    EXPECT_EQ(refusal(narrow), "TOKEN_REVOKED") << "the key's tokens go with it";
}

TEST_F(access, the_token_endpoint_answers_errors_as_rfc_6749_says) {
    const auto made = make_key("importer"), other = make_key("importer");
    const std::string credentials = "&client_id=" + made.api_key().id() + "&client_secret=" + made.secret();
    EXPECT_EQ(error_of(token("")), "invalid_request");
    EXPECT_EQ(error_of(token("grant_type=password&username=a&password=b")), "unsupported_grant_type");
    EXPECT_EQ(error_of(token("grant_type=client_credentials&grant_type=client_credentials" + credentials)), "invalid_request");
    EXPECT_EQ(error_of(token("grant_type=%zz")), "invalid_request");
    EXPECT_EQ(error_of(token("grant_type=refresh_token")), "invalid_request");
    EXPECT_EQ(error_of(token("grant_type=refresh_token&refresh_token=a.b")), "invalid_grant");
    EXPECT_EQ(error_of(token("grant_type=client_credentials&scope=accounts.admin" + credentials)), "invalid_scope");
    EXPECT_EQ(error_of(token("grant_type=client_credentials")), "invalid_client");
    EXPECT_EQ(error_of(token("grant_type=client_credentials" + credentials, basic(made.api_key().id(), made.secret()))), "invalid_request");
    EXPECT_EQ(error_of(token("grant_type=client_credentials", "Basic !!!")), "invalid_request");
    EXPECT_EQ(error_of(send("POST", "/oauth2/token", "{}", {}, "application/json")), "invalid_request");
    const auto refused = token("grant_type=client_credentials", basic(other.api_key().id(), made.secret()));
    EXPECT_EQ(refused.status, 401);
    EXPECT_EQ(error_of(refused), "invalid_client") << "another key's id";
    EXPECT_NE(refused.headers.get("WWW-Authenticate"), "");
    EXPECT_EQ(refused.headers.get("Cache-Control"), "no-store");
}

TEST_F(access, a_refresh_token_is_traded_at_the_token_endpoint_too) {
    ASSERT_TRUE(open_account("ada@example.org"));
    const auto pair = log_in("ada@example.org");
    const auto answer = token("grant_type=refresh_token&refresh_token=" + pair->refresh_token());
    ASSERT_EQ(answer.status, 200) << answer.body;
    EXPECT_EQ(refusal(std::string(js::parse(answer.body).at("access_token").as_string())), "");
    EXPECT_EQ(error_of(token("grant_type=refresh_token&refresh_token=" + pair->refresh_token())), "invalid_grant") << "used twice";
}

TEST_F(access, the_metadata_leads_to_the_endpoints) {
    const auto answer = send("GET", "/.well-known/oauth-authorization-server");
    ASSERT_EQ(answer.status, 200);
    const auto body = js::parse(answer.body);
    EXPECT_EQ(body.at("issuer").as_string(), "http://localhost:8080");
    EXPECT_EQ(body.at("token_endpoint").as_string(), "http://localhost:8080/oauth2/token");
    EXPECT_EQ(body.at("jwks_uri").as_string(), "http://localhost:8080/.well-known/jwks.json");
}

// Verifies as a stranger would, with nothing but the key set.
bool verifies(const std::string& token, const js::value& jwks) {
    const auto second = token.rfind('.');
    const auto header = js::parse(*security::parse_base64url(token.substr(0, token.find('.'))));
    for (const auto& k : jwks.at("keys").as_array()) {
        if (k.at("kid") != header.at("kid")) continue;
        const auto x = *security::parse_base64url(std::string(k.at("x").as_string()));
        const auto signature = *security::parse_base64url(token.substr(second + 1));
        const std::unique_ptr<EVP_PKEY, void (*)(EVP_PKEY*)> key(
            EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, security::as_bytes(x).data(), x.size()), EVP_PKEY_free);
        const std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> c(EVP_MD_CTX_new(), EVP_MD_CTX_free);
        return EVP_DigestVerifyInit(c.get(), nullptr, nullptr, nullptr, key.get()) == 1 &&
               EVP_DigestVerify(c.get(), security::as_bytes(signature).data(), signature.size(), security::as_bytes(token).data(), second) == 1;
    }
    return false;
}

TEST_F(access, the_key_set_verifies_tokens_before_and_after_a_rotation) {
    ASSERT_TRUE(open_account("ada@example.org"));
    const auto before = log_in("ada@example.org")->access_token();
    const auto old_keys = js::parse(send("GET", "/.well-known/jwks.json").body);
    EXPECT_TRUE(verifies(before, old_keys));
    EXPECT_NE(send("GET", "/.well-known/jwks.json").headers.get("Cache-Control").find("max-age"), std::string_view::npos);

    run(service_->rotate_keys());
    const auto after = log_in("ada@example.org")->access_token();
    const auto keys = js::parse(send("GET", "/.well-known/jwks.json").body);
    EXPECT_EQ(keys.at("keys").as_array().size(), 2u);
    EXPECT_TRUE(verifies(before, keys));
    EXPECT_TRUE(verifies(after, keys));
    EXPECT_FALSE(verifies(after, old_keys)) << "another key signs";
    EXPECT_EQ(refusal(before), "");
    EXPECT_EQ(refusal(after), "");

    clock_.advance(std::chrono::minutes(17));
    run(service_->maintain());
    EXPECT_EQ(js::parse(send("GET", "/.well-known/jwks.json").body).at("keys").as_array().size(), 1u) << "its tokens are out";
}

TEST_F(access, the_signing_key_is_changed_when_it_is_old_and_kept_over_a_restart) {
    const auto key = [&] { return std::string(js::parse(send("GET", "/.well-known/jwks.json").body).at("keys").at(0).at("kid").as_string()); };
    const auto first = key();
    run(service_->maintain());
    EXPECT_EQ(key(), first);
    service_ = make(log_);
    EXPECT_EQ(key(), first);
    clock_.advance(std::chrono::hours(30 * 24));
    run(service_->maintain());
    EXPECT_NE(key(), first);
}

TEST_F(access, another_process_learns_of_revocations_and_new_keys) {
    const auto there = make(log_);
    const auto account = open_account("ada@example.org");
    const auto pair = log_in("ada@example.org");
    const auto made = make_key("importer");
    const auto key_token = std::string(js::parse(token("grant_type=client_credentials", basic(made.api_key().id(), made.secret())).body).at("access_token").as_string());
    EXPECT_EQ(refusal(*there, pair->access_token()), "");
    clock_.advance(seconds(1));
    ASSERT_TRUE(refresh(pair->refresh_token()));
    ASSERT_FALSE(refresh(pair->refresh_token()));
    EXPECT_EQ(revoke(made.api_key().id()), "");
    run(service_->rotate_keys());
    const auto fresh = log_in("ada@example.org")->access_token();
    EXPECT_EQ(refusal(*there, pair->access_token()), "") << "it has not looked yet";
    EXPECT_EQ(refusal(*there, fresh), "TOKEN_KEY_UNKNOWN");
    run(there->follow());
    EXPECT_EQ(refusal(*there, pair->access_token()), "TOKEN_REVOKED");
    EXPECT_EQ(refusal(*there, key_token), "TOKEN_REVOKED");
    EXPECT_EQ(refusal(*there, fresh), "");
}

// Who found the key good a moment before may be trading it still.
TEST_F(access, a_token_that_a_revoked_key_is_still_traded_for_is_called_back_too) {
    const auto there = make(log_);
    const auto made = make_key("importer");
    ASSERT_EQ(revoke(made.api_key().id()), "");
    one<std::int64_t>("WITH back AS (UPDATE identity.api_keys SET revoked_at = NULL RETURNING 1) SELECT count(*) FROM back");  // as it was looked at
    clock_.advance(milliseconds(50));
    const auto late = std::string(js::parse(token("grant_type=client_credentials", basic(made.api_key().id(), made.secret())).body).at("access_token").as_string());
    EXPECT_EQ(refusal(late), "TOKEN_REVOKED");
    one<std::int64_t>("WITH gone AS (UPDATE identity.api_keys SET revoked_at = '2026-01-01Z' RETURNING 1) SELECT count(*) FROM gone");
    run(there->follow());
    EXPECT_EQ(refusal(*there, late), "TOKEN_REVOKED");
}

TEST_F(access, a_process_that_starts_knows_what_was_revoked_before) {
    ASSERT_TRUE(open_account("ada@example.org"));
    const auto pair = log_in("ada@example.org");
    ASSERT_TRUE(refresh(pair->refresh_token()));
    ASSERT_FALSE(refresh(pair->refresh_token()));
    clock_.advance(std::chrono::minutes(10));
    service_ = make(log_);
    const auto life = service_->lifecycle();
    run(life.start());
    EXPECT_EQ(refusal(pair->access_token()), "TOKEN_REVOKED");
    run(life.stop());
}

TEST_F(access, an_event_tells_another_process_of_ended_sessions) {
    pg::database reader(database_.options("bv_log"), system_clock());
    events::embedded_log log(runtime_, reader);
    const auto there = make(log);
    run(log.start());
    ASSERT_TRUE(open_account("ada@example.org"));
    const auto pair = log_in("ada@example.org");
    EXPECT_EQ(refusal(*there, pair->access_token()), "");
    contract::LogOutRequest r;
    r.set_refresh_token(pair->refresh_token());
    auto ctx = anybody();
    ASSERT_TRUE(run(api().log_out(ctx, r)));
    struct body {
        static task<void> until_refused(rpc::authenticator* by, std::string token) {
            while (co_await by->bearer(token)) co_await system_clock().sleep_for(milliseconds(2));
        }
    };
    run(body::until_refused(&there->authenticator(), pair->access_token()));
    run(log.stop());
    run(reader.close());
}

TEST_F(access, development_accounts_are_made_once) {
    const auto made = run(service_->ensure_development_accounts());
    ASSERT_EQ(made.size(), 5u);
    const auto again = run(service_->ensure_development_accounts());
    for (std::size_t i = 0; i < made.size(); ++i) {
        EXPECT_EQ(again[i].secret, made[i].secret);
        EXPECT_EQ(*secrets_.get(made[i].secret_name), made[i].secret);
    }
    EXPECT_EQ(one<std::int64_t>("SELECT count(*) FROM identity.accounts"), 3);
    EXPECT_TRUE(as(log_in(made[0].email, made[0].secret)->access_token()).caller.has_scope("accounts.admin"));
    EXPECT_FALSE(as(log_in(made[1].email, made[1].secret)->access_token()).caller.has_scope("accounts.admin"));
    EXPECT_TRUE(as(log_in(made[2].email, made[2].secret)->access_token()).caller.has_scope("audit.read"));
    EXPECT_EQ(made[3].name, "importer");
    EXPECT_EQ(key_refusal(made[3].secret), "");
    EXPECT_EQ(made[4].name, "operator");
    EXPECT_TRUE(run(service_->authenticator().api_key(made[4].secret))->has_scope("accounts.admin"));
    // The secrets are lost: what is printed must work.
    secrets_.remove(made[1].secret_name);
    const auto renewed = run(service_->ensure_development_accounts());
    EXPECT_NE(renewed[1].secret, made[1].secret);
    EXPECT_TRUE(log_in(renewed[1].email, renewed[1].secret));
}

}  // namespace
}  // namespace bv::identity::testing
