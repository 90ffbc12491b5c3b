#include "platform/rpc/timestamp.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "platform/core/clock.hpp"

namespace bv::rpc {
namespace {

TEST(timestamp, beyond_what_a_time_can_be_is_taken_for_its_end) {
    const auto text = [](std::int64_t seconds, std::int32_t nanos) {
        google::protobuf::Timestamp t;
        t.set_seconds(seconds);
        t.set_nanos(nanos);
        return rfc3339(to_time_point(t));
    };
    EXPECT_EQ(text(1'767'225'600, 250'000'000), "2026-01-01T00:00:00.250Z");
    for (const auto far : {std::numeric_limits<std::int64_t>::max(), std::int64_t{253'402'300'800}}) EXPECT_TRUE(text(far, 0).starts_with("9999-12-31T23:59:59")) << far;
    for (const auto far : {std::numeric_limits<std::int64_t>::min(), std::int64_t{-62'135'596'801}}) EXPECT_TRUE(text(far, 0).starts_with("0001-01-01T00:00:00")) << far;
    EXPECT_EQ(text(0, -1), text(0, 0));
}

}  // namespace
}  // namespace bv::rpc
