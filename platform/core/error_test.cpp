#include "platform/core/error.hpp"

#include <boost/asio/error.hpp>
#include <boost/system/system_error.hpp>
#include <gtest/gtest.h>

namespace bv {
namespace {

error error_of(const auto& thrown) {
    try {
        throw thrown;
    } catch (...) {
        return current_error();
    }
}

TEST(error, names_and_http_statuses_follow_the_canonical_table) {
    EXPECT_EQ(name(code::ok), "OK");
    EXPECT_EQ(name(code::resource_exhausted), "RESOURCE_EXHAUSTED");
    EXPECT_EQ(name(code::unauthenticated), "UNAUTHENTICATED");
    EXPECT_EQ(http_status(code::not_found), 404);
    EXPECT_EQ(http_status(code::resource_exhausted), 429);
    EXPECT_EQ(http_status(code::unavailable), 503);
    EXPECT_EQ(http_status(code::unauthenticated), 401);
    EXPECT_EQ(name(static_cast<code>(200)), "UNKNOWN");
}

TEST(error, only_passing_conditions_are_retriable) {
    EXPECT_TRUE(is_retriable(code::unavailable));
    EXPECT_TRUE(is_retriable(code::aborted));
    EXPECT_FALSE(is_retriable(code::failed_precondition));
    EXPECT_FALSE(is_retriable(code::invalid_argument));
    EXPECT_FALSE(is_retriable(code::internal));
}

TEST(error, invalid_names_every_field) {
    const auto e = invalid({{"lines[0].quantity", "must be 1 to 99"}, {"currency", "is not an ISO 4217 code"}}).error();
    EXPECT_EQ(e.code, code::invalid_argument);
    EXPECT_EQ(e.violations.size(), 2U);
    EXPECT_EQ(e.message, "2 fields are invalid: lines[0].quantity: must be 1 to 99; currency: is not an ISO 4217 code");
}

TEST(error, the_exception_in_flight_becomes_an_error) {
    EXPECT_EQ(error_of(failure(code::unavailable, "DOWN", "x")).reason, "DOWN");
    EXPECT_EQ(error_of(boost::system::system_error(boost::asio::error::operation_aborted)).code, code::cancelled);
    EXPECT_EQ(error_of(boost::system::system_error(boost::asio::error::timed_out)).code, code::deadline_exceeded);
    EXPECT_EQ(error_of(std::runtime_error("boom")).code, code::internal);
    EXPECT_EQ(error_of(std::runtime_error("boom")).message, "boom");
    EXPECT_EQ(error_of(42).code, code::internal);
}

}  // namespace
}  // namespace bv
