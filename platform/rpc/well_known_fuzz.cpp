#include <google/protobuf/duration.pb.h>
#include <google/protobuf/field_mask.pb.h>
#include <google/protobuf/timestamp.pb.h>

#include <string>

#include "platform/rpc/json.hpp"
#include "platform/testing/fuzz.hpp"

namespace {

template <class Message>
std::string text_of(const Message& m) {
    std::string out;
    bv::json::append(out, m);
    return out.substr(1, out.size() - 2);
}

// What was read is written in a form that reads as the same.
template <class Message>
void survives(bool (*parse)(std::string_view, Message&), std::string_view text) {
    Message first, second;
    if (!parse(text, first)) return;
    const std::string written = text_of(first);
    BV_ASSERT(parse(written, second));
    BV_ASSERT(text_of(second) == written && first.SerializeAsString() == second.SerializeAsString());
}

}  // namespace

BV_FUZZ(well_known) {
    survives<google::protobuf::Timestamp>(&bv::json::parse_timestamp, bytes);
    survives<google::protobuf::Duration>(&bv::json::parse_duration, bytes);
    survives<google::protobuf::FieldMask>(&bv::json::parse_field_mask, bytes);
}
