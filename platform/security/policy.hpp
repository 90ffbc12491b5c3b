// Which scopes a role has. Scopes are what contracts ask for (bv.auth); roles are what people and keys are given.
// "orders.read" is one's own, "orders.read.any" everybody's.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace bv::security {

struct role {
    std::string_view name;
    std::string_view description;
    std::span<const std::string_view> scopes;  // sorted
};

// In alphabetical order.
[[nodiscard]] std::span<const role> roles() noexcept;
// Null when there is no such role.
[[nodiscard]] const role* find_role(std::string_view name) noexcept;
// What only services of the platform may do: no role has it, and no token carries it.
inline constexpr std::string_view internal_scope = "platform.internal";
// Every scope that a role can have, sorted.
[[nodiscard]] std::span<const std::string_view> scopes() noexcept;

// The scopes of all these roles together, sorted, each once. A role that is not known (any more) gives none.
[[nodiscard]] std::vector<std::string> scopes_of(std::span<const std::string> roles);

// Of the scopes asked for (an OAuth 2.0 scope parameter), those that the roles allow; sorted.
[[nodiscard]] std::vector<std::string> narrowed(std::span<const std::string> allowed, std::span<const std::string> asked);

}  // namespace bv::security
