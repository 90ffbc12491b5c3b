// bv::time_point to and from google.protobuf.Timestamp.
#pragma once

#include <google/protobuf/timestamp.pb.h>

#include <algorithm>

#include "platform/core/clock.hpp"

namespace bv::rpc {

inline void set_timestamp(google::protobuf::Timestamp& out, time_point t) {
    const auto whole = std::chrono::floor<std::chrono::seconds>(t);
    out.set_seconds(whole.time_since_epoch().count());
    out.set_nanos(static_cast<std::int32_t>(std::chrono::nanoseconds(t - whole).count()));
}

// What lies beyond the years 1 to 9999, which JSON cannot say but gRPC can, is taken for their end.
[[nodiscard]] inline time_point to_time_point(const google::protobuf::Timestamp& t) {
    constexpr std::int64_t first = -62'135'596'800, last = 253'402'300'799;
    const std::chrono::seconds whole(std::clamp<std::int64_t>(t.seconds(), first, last));
    return time_point(whole + std::chrono::duration_cast<microseconds>(std::chrono::nanoseconds(std::clamp(t.nanos(), 0, 999'999'999))));
}

}  // namespace bv::rpc
