#include "domains/commerce/order/app/admission.hpp"

#include <gtest/gtest.h>

namespace bv::order {
namespace {

TEST(admission, refuses_what_is_beyond_the_most_and_says_when_to_come_back) {
    admission door(2);
    EXPECT_TRUE(door.admit());
    EXPECT_TRUE(door.admit());
    for (int i = 0; i < 3; ++i) {
        const auto refused = door.admit();
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().code, code::unavailable);
        EXPECT_EQ(refused.error().reason, "OVERLOADED");
        EXPECT_TRUE(refused.error().retry_after.has_value());
    }
}

}  // namespace
}  // namespace bv::order
