// How much is said of a request that is wrong all over.
#pragma once

#include <cstddef>
#include <vector>

#include "platform/core/error.hpp"

namespace bv::rpc {

// Who sends a million wrong items is told of the first of them: an answer is not a hundred times the request.
inline constexpr std::size_t most_violations = 100;

[[nodiscard]] inline bool says_enough(const std::vector<field_violation>& found) noexcept { return found.size() >= most_violations; }

}  // namespace bv::rpc
