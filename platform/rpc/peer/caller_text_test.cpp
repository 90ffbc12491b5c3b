#include "platform/rpc/peer/caller_text.hpp"

#include <gtest/gtest.h>

namespace bv::rpc {
namespace {

TEST(CallerText, CarriesThePrincipal) {
    const principal user{caller_kind::user, *uuid::parse("0190aaaa-bbbb-7ccc-8ddd-eeeeeeeeeeee"), "", {"customer", "support"}, {"orders.read", "orders.write"}};
    const auto who = parse_caller(caller_text(user));
    ASSERT_TRUE(who);
    EXPECT_EQ(who->actor(), user.actor());
    EXPECT_EQ(who->roles, user.roles);
    EXPECT_EQ(who->scopes, user.scopes);
    EXPECT_EQ(parse_caller(caller_text({}))->kind, caller_kind::anonymous);
}

TEST(CallerText, AServiceHasNoNameOfItsOwnSaying) {
    const auto who = parse_caller(caller_text({.kind = caller_kind::service, .name = "orders"}));
    ASSERT_TRUE(who);
    EXPECT_EQ(who->kind, caller_kind::service);
    EXPECT_EQ(who->name, "");
}

TEST(CallerText, WhatIsMalformedIsNobody) {
    for (const char* text : {"", "user", "user;;;", "root;00000000-0000-0000-0000-000000000000;;", "user;0190aaaa-bbbb-7ccc-8ddd-eeeeeeeeeeee;;;", "user;x;customer;orders.read",
                             "user;0190aaaa-bbbb-7ccc-8ddd-eeeeeeeeeeee;customer ;", "user;0190aaaa-bbbb-7ccc-8ddd-eeeeeeeeeeee;;orders.read  orders.write"})
        EXPECT_FALSE(parse_caller(text)) << text;
}

}  // namespace
}  // namespace bv::rpc
