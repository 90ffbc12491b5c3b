#include "domains/identity/model/password_policy.hpp"

#include <gtest/gtest.h>

namespace bv::identity {
namespace {

TEST(password_policy, wants_ten_characters_not_ten_bytes) {
    EXPECT_TRUE(password_fault("", ""));
    EXPECT_TRUE(password_fault("nine char", ""));
    EXPECT_FALSE(password_fault("ten chars!", ""));
    EXPECT_TRUE(password_fault("äöüäöüäö", "")) << "sixteen bytes, eight characters";
    EXPECT_FALSE(password_fault("äöüßäöüßäö", ""));
}

TEST(password_policy, refuses_the_most_common_ones_in_any_case) {
    for (const auto* common : {"password123", "Password123", "QWERTYUIOP", "1234567890", "0123456789", "zzzzzzzzzzzz"}) EXPECT_TRUE(password_fault(common, "")) << common;
}

TEST(password_policy, refuses_the_address_itself) {
    EXPECT_TRUE(password_fault("Ada.Lovelace@example.org", "ada.lovelace@example.org"));
    EXPECT_TRUE(password_fault("ada.lovelace", "ada.lovelace@example.org"));
    EXPECT_FALSE(password_fault("ada.lovelace", "someone.else@example.org"));
    EXPECT_FALSE(password_fault("correct horse battery staple", "ada.lovelace@example.org"));
}

}  // namespace
}  // namespace bv::identity
