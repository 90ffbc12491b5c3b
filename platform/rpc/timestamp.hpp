// bv::time_point to and from google.protobuf.Timestamp.
#pragma once

#include <google/protobuf/timestamp.pb.h>

#include "platform/core/clock.hpp"

namespace bv::rpc {

inline void set_timestamp(google::protobuf::Timestamp& out, time_point t) {
    const auto whole = std::chrono::floor<std::chrono::seconds>(t);
    out.set_seconds(whole.time_since_epoch().count());
    out.set_nanos(static_cast<std::int32_t>(std::chrono::nanoseconds(t - whole).count()));
}

[[nodiscard]] inline time_point to_time_point(const google::protobuf::Timestamp& t) {
    return time_point(std::chrono::seconds(t.seconds()) + std::chrono::duration_cast<microseconds>(std::chrono::nanoseconds(t.nanos())));
}

}  // namespace bv::rpc
