// Pages of lists, and what their tokens are made of (platform/rpc/page_token.hpp).
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "platform/core/error.hpp"

namespace bv::order {

// 0 asks for the default.
[[nodiscard]] constexpr std::int32_t page_size(std::int32_t asked) noexcept { return asked > 0 ? asked : 50; }

// INVALID_ARGUMENT naming pageToken, for a token whose parts cannot be read.
[[nodiscard]] std::unexpected<error> bad_token();

[[nodiscard]] bool parse_number(std::string_view, std::int64_t&) noexcept;
// "2026-01-31"
[[nodiscard]] std::optional<std::chrono::sys_days> parse_day(std::string_view) noexcept;
[[nodiscard]] std::string format_day(std::chrono::sys_days);

}  // namespace bv::order
