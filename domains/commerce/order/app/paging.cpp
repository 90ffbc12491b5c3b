#include "domains/commerce/order/app/paging.hpp"

#include <charconv>

#include <fmt/format.h>

namespace bv::order {

std::unexpected<error> bad_token() { return invalid({{"pageToken", "is not one that this list gave; leave it out to start from the beginning"}}); }

bool parse_number(std::string_view text, std::int64_t& out) noexcept {
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), out);
    return ec == std::errc{} && end == text.data() + text.size();
}

std::optional<std::chrono::sys_days> parse_day(std::string_view text) noexcept {
    if (text.size() != 10 || text[4] != '-' || text[7] != '-') return std::nullopt;
    std::int64_t y = 0, m = 0, d = 0;
    if (!parse_number(text.substr(0, 4), y) || !parse_number(text.substr(5, 2), m) || !parse_number(text.substr(8, 2), d)) return std::nullopt;
    if (y < 1 || m < 1 || d < 1) return std::nullopt;
    const auto day = std::chrono::year(static_cast<int>(y)) / static_cast<int>(m) / static_cast<int>(d);
    if (!day.ok()) return std::nullopt;
    return std::chrono::sys_days(day);
}

std::string format_day(std::chrono::sys_days day) {
    const std::chrono::year_month_day d(day);
    return fmt::format("{:04}-{:02}-{:02}", static_cast<int>(d.year()), static_cast<unsigned>(d.month()), static_cast<unsigned>(d.day()));
}

}  // namespace bv::order
