// "Did you mean": the known name that is nearest to an unknown one.
#pragma once

#include <span>
#include <string_view>

namespace bv {

// Empty when none is near enough to be meant. Ignores case and underscores first, then counts edits.
[[nodiscard]] std::string_view nearest(std::string_view wrong, std::span<const std::string_view> names);

}  // namespace bv
