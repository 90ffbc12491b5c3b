#include <algorithm>
#include <array>

#include "domains/commerce/payment/app/ports.hpp"

namespace bv::payment {
namespace {

constexpr std::array<std::string_view, 4> names{"pending", "in_flight", "unknown", "done"};

}  // namespace

std::string_view name(operation_state s) noexcept { return names[static_cast<std::size_t>(s)]; }

std::optional<operation_state> parse_operation_state(std::string_view text) noexcept {
    const auto at = std::find(names.begin(), names.end(), text);
    if (at == names.end()) return std::nullopt;
    return static_cast<operation_state>(at - names.begin());
}

}  // namespace bv::payment
