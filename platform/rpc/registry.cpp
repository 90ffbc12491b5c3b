#include "platform/rpc/registry.hpp"

#include <algorithm>
#include <vector>

namespace bv::rpc {
namespace {

std::vector<message_type>& types() {
    static std::vector<message_type> all;
    return all;
}

}  // namespace

void register_types(std::span<const message_type> added) {
    for (const message_type& type : added) {
        const auto at = std::ranges::lower_bound(types(), type.name, {}, &message_type::name);
        if (at == types().end() || at->name != type.name) types().insert(at, type);
    }
}

std::optional<std::string> to_json(std::string_view type_name, std::string_view bytes, bool masked) {
    const auto at = std::ranges::lower_bound(types(), type_name, {}, &message_type::name);
    std::string out;
    if (at == types().end() || at->name != type_name || !at->to_json(bytes, masked, out)) return std::nullopt;
    return out;
}

std::span<const message_type> registered_types() noexcept { return types(); }

}  // namespace bv::rpc
