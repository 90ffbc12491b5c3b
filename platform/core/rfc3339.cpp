// Timestamps as text (RFC 3339), always written in UTC.
#include <fmt/format.h>

#include "platform/core/clock.hpp"

namespace bv {
namespace {

// Reads fixed-width fields off the front of a text; once a field is wrong, ok stays false.
struct reader {
    std::string_view rest;
    bool ok = true;

    int number(std::size_t width) noexcept {
        if (!ok || rest.size() < width) return ok = false, 0;
        int value = 0;
        for (std::size_t i = 0; i < width; ++i) {
            if (rest[i] < '0' || rest[i] > '9') return ok = false, 0;
            value = value * 10 + (rest[i] - '0');
        }
        rest.remove_prefix(width);
        return value;
    }
    char one_of(std::string_view allowed) noexcept {
        if (!ok || rest.empty() || allowed.find(rest[0]) == std::string_view::npos) return ok = false, '\0';
        const char c = rest[0];
        rest.remove_prefix(1);
        return c;
    }
};

// ".250" as microseconds. Digits beyond six are dropped.
microseconds fraction(reader& r) noexcept {
    if (r.rest.empty() || r.rest[0] != '.') return {};
    r.rest.remove_prefix(1);
    std::int64_t value = 0;
    std::size_t n = 0;
    for (; n < r.rest.size() && r.rest[n] >= '0' && r.rest[n] <= '9'; ++n)
        if (n < 6) value = value * 10 + (r.rest[n] - '0');
    if (n == 0 || n > 9) r.ok = false;
    r.rest.remove_prefix(n);
    for (; n < 6; ++n) value *= 10;
    return microseconds(value);
}

std::chrono::minutes offset(reader& r) noexcept {
    const char sign = r.one_of("Zz+-");
    if (sign != '+' && sign != '-') return {};
    const int hours = r.number(2);
    r.one_of(":");
    const int minutes = r.number(2);
    if (hours > 23 || minutes > 59) r.ok = false;
    const std::chrono::minutes total(hours * 60 + minutes);
    return sign == '-' ? -total : total;
}

}  // namespace

std::string rfc3339(time_point t) {
    const auto day = std::chrono::floor<std::chrono::days>(t);
    const std::chrono::year_month_day date(day);
    const std::chrono::hh_mm_ss time(t - day);
    std::string out = fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                                  static_cast<unsigned>(date.day()), time.hours().count(), time.minutes().count(), time.seconds().count());
    const auto micros = time.subseconds().count();
    if (micros % 1000 != 0)
        out += fmt::format(".{:06}", micros);
    else if (micros != 0)
        out += fmt::format(".{:03}", micros / 1000);
    return out += 'Z';
}

std::optional<time_point> parse_rfc3339(std::string_view text) noexcept {
    reader r{text};
    const int year = r.number(4);
    r.one_of("-");
    const int month = r.number(2);
    r.one_of("-");
    const int day = r.number(2);
    r.one_of("Tt");
    const int hour = r.number(2);
    r.one_of(":");
    const int minute = r.number(2);
    r.one_of(":");
    const int second = r.number(2);
    const microseconds part = fraction(r);
    const auto shift = offset(r);
    const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
                                           std::chrono::day(static_cast<unsigned>(day))};
    // A leap second (:60) is refused: civil time here has none.
    if (!r.ok || !r.rest.empty() || !date.ok() || hour > 23 || minute > 59 || second > 59) return std::nullopt;
    return time_point(std::chrono::sys_days(date)) + std::chrono::hours(hour) + std::chrono::minutes(minute) + seconds(second) + part - shift;
}

}  // namespace bv
