// A plan as JSON: one that found a bug is kept as it was, whatever seeds come to mean.
#pragma once

#include <string>
#include <string_view>

#include "platform/core/error.hpp"
#include "sim/plan.hpp"

namespace bv::sim {

[[nodiscard]] std::string to_json(const plan&, std::string_view what);
// INVALID_ARGUMENT with the place that is wrong. Times are milliseconds; a fault that is not named never happens.
[[nodiscard]] result<plan> parse_plan(std::string_view json);
[[nodiscard]] result<plan> read_plan(const std::string& path);

}  // namespace bv::sim
