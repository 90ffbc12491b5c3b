#include "platform/rpc/message.hpp"

#include <google/protobuf/message_lite.h>

#include <limits>

namespace bv::rpc {

result<void> parse_message(std::string_view bytes, google::protobuf::MessageLite& into) {
    constexpr std::size_t most = std::numeric_limits<int>::max();
    if (bytes.size() <= most && into.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return {};
    return fail(code::invalid_argument, "MALFORMED_MESSAGE", "The bytes are no serialized " + into.GetTypeName() + ": compile its contract anew, and send what the generated code writes.");
}

result<void> append_message(std::string& out, const google::protobuf::MessageLite& message) {
    const std::size_t size = message.ByteSizeLong();
    if (size > std::numeric_limits<int>::max()) return fail(code::resource_exhausted, "MESSAGE_TOO_LARGE", "The answer is larger than a message can be.");
    const std::size_t before = out.size();
    out.resize(before + size);
    message.SerializeWithCachedSizesToArray(reinterpret_cast<unsigned char*>(out.data() + before));
    return {};
}

}  // namespace bv::rpc
