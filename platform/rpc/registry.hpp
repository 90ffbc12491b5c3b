// Message types by their full name: for those who meet serialized messages, such as browsers of events and dead letters.
// Filled by calling the generated `register_<library>_types()` once, before threads start.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace bv::rpc {

struct message_type {
    std::string_view name;  // "bitvelocity.commerce.order.v1.OrderPlaced"
    // Parses the bytes and appends their JSON; masked: personal data is hidden. False when they are not such a message.
    bool (*to_json)(std::string_view bytes, bool masked, std::string& out);
};

// Adds types; a name that is there already is left as it is. Not thread-safe.
void register_types(std::span<const message_type>);

// nullopt when the type is unknown or the bytes are malformed.
[[nodiscard]] std::optional<std::string> to_json(std::string_view type_name, std::string_view bytes, bool masked = false);
// The registered names, sorted.
[[nodiscard]] std::span<const message_type> registered_types() noexcept;

// type_name<M>(): the full name of a generated message; specialised beside each.
template <class Message>
struct type_name_of;
template <class Message>
[[nodiscard]] constexpr std::string_view type_name() noexcept {
    return type_name_of<Message>::value;
}

}  // namespace bv::rpc
