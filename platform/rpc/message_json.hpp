// Whole messages to and from JSON text, by their generated functions.
#pragma once

#include <string>
#include <string_view>

#include "platform/rpc/json_reader.hpp"
#include "platform/rpc/registry.hpp"

namespace bv::rpc {

template <class Message>
[[nodiscard]] std::string to_json(const Message& message) {
    std::string out;
    json::append(out, message);
    return out;
}

// With personal data hidden: for logs.
template <class Message>
[[nodiscard]] std::string to_masked_json(Message message) {
    mask_pii(message);
    return to_json(message);
}

// What the registry keeps of a type.
template <class Message>
bool json_of(std::string_view bytes, bool masked, std::string& out) {
    Message message;
    if (!message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return false;
    if (masked) mask_pii(message);
    json::append(out, message);
    return true;
}

}  // namespace bv::rpc
