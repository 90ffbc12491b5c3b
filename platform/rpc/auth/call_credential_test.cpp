#include "platform/rpc/auth/call_credential.hpp"

#include <gtest/gtest.h>

namespace bv::rpc {
namespace {

constexpr std::string_view key = "k1", method = "shop.v1.BasketService/Fill";
const time_point now{std::chrono::hours(500'000)};

principal a_user() { return {caller_kind::user, *uuid::parse("0190aaaa-bbbb-7ccc-8ddd-eeeeeeeeeeee"), "", {"customer"}, {"orders.read", "orders.write"}}; }

std::string reason_of(const result<principal>& r) { return r ? "" : r.error().reason; }

TEST(CallCredential, CarriesThePrincipal) {
    const auto who = verify_caller(key, sign_caller(key, a_user(), method, now), method, now + seconds(3));
    ASSERT_TRUE(who);
    EXPECT_EQ(who->actor(), a_user().actor());
    EXPECT_EQ(who->roles, a_user().roles);
    EXPECT_EQ(who->scopes, a_user().scopes);
    const auto service = verify_caller(key, sign_caller(key, {.kind = caller_kind::service, .name = "orders"}, method, now), method, now);
    ASSERT_TRUE(service);
    EXPECT_EQ(service->actor(), "service:orders");
    const auto nobody = verify_caller(key, sign_caller(key, {}, method, now), method, now);
    ASSERT_TRUE(nobody);
    EXPECT_EQ(nobody->kind, caller_kind::anonymous);
}

TEST(CallCredential, IsGoodForItsMethodKeyAndTimeOnly) {
    const auto signed_call = sign_caller(key, a_user(), method, now);
    EXPECT_EQ(reason_of(verify_caller(key, "", method, now)), "CALL_UNSIGNED");
    EXPECT_EQ(reason_of(verify_caller(key, "anything", method, now)), "CALL_MALFORMED");
    EXPECT_EQ(reason_of(verify_caller("k2", signed_call, method, now)), "CALL_FORGED");
    EXPECT_EQ(reason_of(verify_caller(key, signed_call, "shop.v1.BasketService/Empty", now)), "CALL_FORGED");
    EXPECT_EQ(reason_of(verify_caller(key, signed_call, method, now + seconds(61))), "CALL_TOO_OLD");
    EXPECT_EQ(reason_of(verify_caller(key, signed_call, method, now - seconds(61))), "CALL_TOO_OLD");
}

TEST(CallCredential, AnyChangedCharacterIsSeen) {
    const auto signed_call = sign_caller(key, a_user(), method, now);
    for (std::size_t i = 0; i < signed_call.size(); ++i) {
        auto changed = signed_call;
        changed[i] = changed[i] == 'A' ? 'B' : 'A';
        EXPECT_FALSE(verify_caller(key, changed, method, now)) << i;
    }
}

}  // namespace
}  // namespace bv::rpc
