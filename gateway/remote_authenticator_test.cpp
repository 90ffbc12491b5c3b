#include "gateway/remote_authenticator.hpp"

#include <gtest/gtest.h>

#include "platform/rpc/timestamp.hpp"
#include "platform/runtime/runtime.hpp"
#include "platform/security/api_key.hpp"
#include "platform/security/jwt.hpp"

namespace bv::gateway {
namespace {

namespace contract = bitvelocity::identity::v1;

// Identity in another process, as far as a gateway asks it.
class fake_identity final : public contract::identity_service {
public:
    std::shared_ptr<security::key_ring> ring = security::key_ring::generate(system_clock().now());
    std::vector<contract::Revocation> revoked;
    std::optional<std::string> good_key;
    bool away = false;
    int asked = 0;

    task<result<contract::GetTrustResponse>> get_trust(rpc::context&, contract::GetTrustRequest) override {
        if (away) throw failure(code::unavailable, "SERVICE_UNAVAILABLE", "away");
        contract::GetTrustResponse out;
        for (const auto& k : ring->public_keys()) {
            out.add_keys()->set_public_key(k.bytes);
            rpc::set_timestamp(*out.mutable_keys(out.keys_size() - 1)->mutable_create_time(), k.created);
        }
        for (const auto& r : revoked) *out.add_revocations() = r;
        co_return out;
    }
    task<result<contract::CheckApiKeyResponse>> check_api_key(rpc::context& ctx, contract::CheckApiKeyRequest request) override {
        ++asked;
        EXPECT_EQ(ctx.caller.kind, rpc::caller_kind::service);
        if (away) throw failure(code::unavailable, "SERVICE_UNAVAILABLE", "away");
        if (request.api_key() != good_key) co_return fail(code::unauthenticated, "API_KEY_INVALID", "unknown");
        contract::CheckApiKeyResponse out;
        out.set_id("0190aaaa-bbbb-7ccc-8ddd-eeeeeeeeeeee");
        out.add_roles("importer");
        co_return out;
    }
    template <class T>
    static task<result<T>> none() {
        co_return fail(code::unimplemented, "NONE", "not of this test");
    }
    task<result<contract::Account>> register_(rpc::context&, contract::RegisterRequest) override { return none<contract::Account>(); }
    task<result<contract::Account>> get_account(rpc::context&, contract::GetAccountRequest) override { return none<contract::Account>(); }
    task<result<contract::ListAccountsResponse>> list_accounts(rpc::context&, contract::ListAccountsRequest) override { return none<contract::ListAccountsResponse>(); }
    task<result<contract::Account>> update_account(rpc::context&, contract::UpdateAccountRequest) override { return none<contract::Account>(); }
    task<result<contract::TokenPair>> change_password(rpc::context&, contract::ChangePasswordRequest) override { return none<contract::TokenPair>(); }
    task<result<contract::Account>> set_roles(rpc::context&, contract::SetRolesRequest) override { return none<contract::Account>(); }
    task<result<contract::BatchImportAccountsResponse>> batch_import_accounts(rpc::context&, contract::BatchImportAccountsRequest) override {
        return none<contract::BatchImportAccountsResponse>();
    }
    task<result<contract::TokenPair>> log_in(rpc::context&, contract::LogInRequest) override { return none<contract::TokenPair>(); }
    task<result<contract::TokenPair>> refresh_session(rpc::context&, contract::RefreshSessionRequest) override { return none<contract::TokenPair>(); }
    task<result<google::protobuf::Empty>> log_out(rpc::context&, contract::LogOutRequest) override { return none<google::protobuf::Empty>(); }
    task<result<contract::CreateApiKeyResponse>> create_api_key(rpc::context&, contract::CreateApiKeyRequest) override { return none<contract::CreateApiKeyResponse>(); }
    task<result<contract::ListApiKeysResponse>> list_api_keys(rpc::context&, contract::ListApiKeysRequest) override { return none<contract::ListApiKeysResponse>(); }
    task<result<google::protobuf::Empty>> revoke_api_key(rpc::context&, contract::RevokeApiKeyRequest) override { return none<google::protobuf::Empty>(); }
    task<result<contract::BatchGetContactsResponse>> batch_get_contacts(rpc::context&, contract::BatchGetContactsRequest) override {
        return none<contract::BatchGetContactsResponse>();
    }
};

class RemoteAuthenticatorTest : public testing::Test {
protected:
    RemoteAuthenticatorTest() {
        rt_.start();
        rt_.block_on(lifecycle_.start());
    }
    ~RemoteAuthenticatorTest() override {
        rt_.block_on(lifecycle_.stop());
        rt_.stop();
        rt_.join();
    }
    static remote_authenticator_options options() {
        remote_authenticator_options o;
        o.known.expected = {"https://shop.example", "bitvelocity"};
        o.interval = seconds(3600);  // the tests follow by hand
        o.key_patience = milliseconds(0);
        return o;
    }
    std::string a_token(const std::string& session = "s-1") const {
        const auto now = std::chrono::floor<seconds>(system_clock().now());
        return security::sign_token({.issuer = "https://shop.example", .audience = "bitvelocity", .subject = "0190aaaa-bbbb-7ccc-8ddd-eeeeeeeeeeee", .id = "t-" + session,
                                     .session = session, .issued_at = now, .expires_at = now + seconds(600), .scopes = {"orders.read"}, .roles = {"customer"}},
                                    *identity_.ring);
    }
    std::string reason(task<result<rpc::principal>> t) {
        const auto r = rt_.block_on(std::move(t));
        return r ? "" : r.error().reason;
    }

    bv::runtime rt_{1};
    fake_identity identity_;
    remote_authenticator it_{options(), identity_, system_clock()};
    bv::module lifecycle_ = it_.lifecycle();
};

TEST_F(RemoteAuthenticatorTest, VerifiesTokensAlsoWhileIdentityIsAway) {
    const auto token = a_token();
    identity_.away = true;
    EXPECT_EQ(reason(it_.bearer(token)), "");
    EXPECT_EQ(reason(it_.bearer(a_token("never seen"))), "") << "the key is known";
}

TEST_F(RemoteAuthenticatorTest, AsksForAKeyThatItDoesNotKnow) {
    identity_.ring = security::key_ring::generate(system_clock().now());
    const auto token = a_token();
    identity_.away = true;
    EXPECT_EQ(reason(it_.bearer(token)), "IDENTITY_UNAVAILABLE") << "not the caller's fault";
    identity_.away = false;
    EXPECT_EQ(reason(it_.bearer(token)), "");
}

TEST_F(RemoteAuthenticatorTest, FollowsWhatWasCalledBack) {
    EXPECT_EQ(reason(it_.bearer(a_token())), "");
    auto& r = identity_.revoked.emplace_back();
    r.set_session(true), r.set_id("s-1");
    rpc::set_timestamp(*r.mutable_time(), system_clock().now());
    rpc::set_timestamp(*r.mutable_expire_time(), system_clock().now() + seconds(900));
    rt_.block_on(it_.follow());
    EXPECT_EQ(reason(it_.bearer(a_token())), "TOKEN_REVOKED");
    EXPECT_EQ(reason(it_.bearer(a_token("s-2"))), "");
}

TEST_F(RemoteAuthenticatorTest, RemembersApiKeysAndTellsWhenItCannotKnow) {
    const auto good = security::mint_api_key(uuid::v7(system_clock(), system_rng()), system_rng()).text;
    const auto late = security::mint_api_key(uuid::v7(system_clock(), system_rng()), system_rng()).text;
    identity_.good_key = good;
    EXPECT_EQ(reason(it_.api_key(good)), "");
    EXPECT_EQ(identity_.asked, 1);
    identity_.away = true;
    EXPECT_EQ(reason(it_.api_key(good)), "") << "known for a while";
    EXPECT_EQ(reason(it_.api_key(late)), "IDENTITY_UNAVAILABLE");
    identity_.away = false;
    identity_.good_key = late;
    EXPECT_EQ(reason(it_.api_key(late)), "") << "that it could not be checked is not remembered";
    EXPECT_EQ(reason(it_.api_key("no key at all")), "API_KEY_INVALID");
}

}  // namespace
}  // namespace bv::gateway
