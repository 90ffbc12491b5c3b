// Names of what the generator writes: C++ names of messages and fields, file names, method names.
#pragma once

#include <google/protobuf/compiler/cpp/names.h>
#include <google/protobuf/descriptor.h>

#include <string>
#include <string_view>
#include <vector>

namespace bv::codegen {

namespace pb = google::protobuf;

// "PlaceOrder" → "place_order", "HTTPPort" → "http_port".
[[nodiscard]] std::string snake_case(std::string_view camel);
// "bitvelocity.commerce.order.v1" → "bitvelocity::commerce::order::v1".
[[nodiscard]] std::string cpp_namespace(const pb::FileDescriptor&);
// Where a message's generated functions are: its own namespace, or "::bv::json" for the well-known types.
[[nodiscard]] std::string functions_namespace(const pb::FileDescriptor&);
// "bitvelocity/…/order.proto" → "bitvelocity/…/order".
[[nodiscard]] std::string base_path(const pb::FileDescriptor&);
// "bitvelocity/…/order.proto" → "bitvelocity_commerce_order_v1_order": unique among files.
[[nodiscard]] std::string identifier(const pb::FileDescriptor&);
// "order" of "bitvelocity/…/order.proto", as an identifier.
[[nodiscard]] std::string short_name(const pb::FileDescriptor&);
// As a C++ literal with its quotes.
[[nodiscard]] std::string quoted(std::string_view text);

// google.protobuf.Timestamp and its like, whose JSON form is written by platform/rpc/well_known.hpp.
[[nodiscard]] bool is_well_known(const pb::Descriptor&);
// Files that only carry options or well-known types: nothing is generated for them.
[[nodiscard]] bool is_foreign(const pb::FileDescriptor&);
// The file's messages, nested ones before those that hold them; no map entries.
[[nodiscard]] std::vector<const pb::Descriptor*> messages_of(const pb::FileDescriptor&);
[[nodiscard]] std::vector<const pb::EnumDescriptor*> enums_of(const pb::FileDescriptor&);

// "order_service" for OrderService.
[[nodiscard]] inline std::string interface_name(const pb::ServiceDescriptor& s) { return snake_case(s.name()); }
[[nodiscard]] std::string method_name(const pb::MethodDescriptor&);

}  // namespace bv::codegen
