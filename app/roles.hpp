// The roles of the platform: what a process can be told to be. One process holds them all, or each is a process of its own.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "platform/core/error.hpp"

namespace bv::app {

struct role {
    std::string_view name;
    std::string_view what;
    std::string_view schema;                    // its own, as bv_<schema>
    std::span<const std::string_view> calls;    // roles whose contracts it calls
    std::span<const std::string_view> follows;  // roles whose events it consumes
};

// In an order in which they can be started: whom a role calls comes first.
[[nodiscard]] std::span<const role> roles() noexcept;
[[nodiscard]] std::vector<std::string> role_names();

// "order,inventory" and so on, each once and in the table's order; empty means all. INVALID_ARGUMENT "UNKNOWN_ROLE" with the
// nearest name.
[[nodiscard]] result<std::vector<std::string>> parse_roles(std::span<const std::string> given);

// Who calls whom, and who consumes whose events: as text, and as an SVG picture.
[[nodiscard]] std::string graph_text();
[[nodiscard]] std::string graph_svg();

}  // namespace bv::app
