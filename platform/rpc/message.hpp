// Protobuf messages to and from their serialized form, for generated code.
#pragma once

#include <string>
#include <string_view>

#include "platform/core/error.hpp"

namespace google::protobuf {
class MessageLite;
}

namespace bv::rpc {

// INVALID_ARGUMENT "MALFORMED_MESSAGE".
[[nodiscard]] result<void> parse_message(std::string_view bytes, google::protobuf::MessageLite& into);
// RESOURCE_EXHAUSTED "MESSAGE_TOO_LARGE": more than Protobuf can hold, 2 GiB.
[[nodiscard]] result<void> append_message(std::string& out, const google::protobuf::MessageLite&);

}  // namespace bv::rpc
