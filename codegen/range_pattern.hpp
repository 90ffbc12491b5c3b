// A regular expression for the decimal integers of a range: 64-bit integers are strings in JSON, where minimum and maximum
// of a schema do not reach.
#pragma once

#include <cstdint>
#include <string>

namespace bv::codegen {

// Anchored; without leading zeros. min <= max, both not negative, or both unbounded-like (then any integer of up to 18 digits).
[[nodiscard]] std::string range_pattern(std::int64_t min, std::int64_t max);

}  // namespace bv::codegen
