// What may become of an event's schema once somebody has written records with it (ADR 0028).
//
// Records outlive the programs that wrote them, and programs of two versions run at a time. So what a newer schema says must be read
// by older readers, and what older ones wrote by newer readers: fields may be added, nothing may change its meaning.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <google/protobuf/descriptor.pb.h>

#include "platform/core/error.hpp"

namespace bv::events::registry {

// INVALID_ARGUMENT "MALFORMED_SCHEMA" with line and column.
[[nodiscard]] result<google::protobuf::FileDescriptorProto> parse_schema(std::string_view text);

// The full name of the message at these indexes (wire_format.hpp); empty when there is none.
[[nodiscard]] std::string message_at(const google::protobuf::FileDescriptorProto&, std::span<const std::int32_t> indexes);

struct breach {
    std::string where;  // "bitvelocity.type.v1.Money.units"
    std::string rule;   // "FIELD_TYPE_CHANGED"
    std::string what;   // "was int64, is string"
    [[nodiscard]] std::string str() const { return where + ": " + rule + ": " + what; }
};

// What the newer one breaks; both parsed from text, for types are compared as they are written. In the order of the older one.
//
//   PACKAGE_CHANGED, MESSAGE_REMOVED, ENUM_REMOVED
//   FIELD_REMOVED, ENUM_VALUE_REMOVED      unless number and name are reserved
//   FIELD_RENAMED, ENUM_VALUE_RENAMED      JSON has names
//   FIELD_TYPE_CHANGED, FIELD_LABEL_CHANGED, FIELD_ONEOF_CHANGED
//   REQUIRED_FIELD_ADDED
//   RESERVED_REUSED                        a number or name that the older one had given up
[[nodiscard]] std::vector<breach> breaches(const google::protobuf::FileDescriptorProto& older, const google::protobuf::FileDescriptorProto& newer);

}  // namespace bv::events::registry
