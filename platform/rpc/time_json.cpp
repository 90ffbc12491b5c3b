// Timestamp and Duration as JSON.
#include <google/protobuf/duration.pb.h>
#include <google/protobuf/timestamp.pb.h>

#include <charconv>
#include <chrono>
#include <cstdlib>

#include "platform/rpc/json_reader.hpp"
#include "platform/rpc/well_known.hpp"

namespace bv::json {
namespace {

constexpr std::int64_t first_second = -62'135'596'800;  // 0001-01-01T00:00:00Z
constexpr std::int64_t last_second = 253'402'300'799;   // 9999-12-31T23:59:59Z
constexpr std::int64_t longest_duration = 315'576'000'000;
constexpr std::int64_t day = 86'400;

void append_digits(std::string& out, std::int64_t value, int width) {
    char text[20];
    for (int i = width - 1; i >= 0; --i, value /= 10) text[i] = static_cast<char>('0' + value % 10);
    out.append(text, static_cast<std::size_t>(width));
}

// ".250", ".000250" or ".000000250", as short as the value allows; nothing for zero.
void append_nanos(std::string& out, std::int32_t nanos) {
    if (nanos == 0) return;
    out += '.';
    if (nanos % 1'000'000 == 0) append_digits(out, nanos / 1'000'000, 3);
    else if (nanos % 1'000 == 0) append_digits(out, nanos / 1'000, 6);
    else append_digits(out, nanos, 9);
}

// A cursor over fixed-width fields.
struct scanner {
    std::string_view rest;
    bool good = true;

    std::int64_t digits(std::size_t width) {
        std::int64_t value = 0;
        if (rest.size() < width) return good = false, 0;
        for (std::size_t i = 0; i < width; ++i) {
            if (rest[i] < '0' || rest[i] > '9') return good = false, 0;
            value = value * 10 + (rest[i] - '0');
        }
        rest.remove_prefix(width);
        return value;
    }
    bool next(char c) {
        if (rest.empty() || rest.front() != c) return false;
        rest.remove_prefix(1);
        return true;
    }
    void expect(char c) { good = next(c) && good; }
    // One to nine digits as nanoseconds.
    std::int32_t fraction() {
        std::int32_t value = 0;
        int count = 0;
        for (; count < 9 && !rest.empty() && rest.front() >= '0' && rest.front() <= '9'; ++count) {
            value = value * 10 + (rest.front() - '0');
            rest.remove_prefix(1);
        }
        if (count == 0) good = false;
        for (; count < 9; ++count) value *= 10;
        return value;
    }
};

}  // namespace

void write_json(std::string& out, const google::protobuf::Timestamp& m) {
    const std::int64_t since_midnight = ((m.seconds() % day) + day) % day;
    const std::chrono::sys_days date{std::chrono::days((m.seconds() - since_midnight) / day)};
    const std::chrono::year_month_day ymd{date};
    out += '"';
    append_digits(out, static_cast<int>(ymd.year()), 4);
    out += '-';
    append_digits(out, static_cast<unsigned>(ymd.month()), 2);
    out += '-';
    append_digits(out, static_cast<unsigned>(ymd.day()), 2);
    out += 'T';
    append_digits(out, since_midnight / 3600, 2);
    out += ':';
    append_digits(out, since_midnight / 60 % 60, 2);
    out += ':';
    append_digits(out, since_midnight % 60, 2);
    append_nanos(out, m.nanos());
    out += "Z\"";
}

bool parse_timestamp(std::string_view text, google::protobuf::Timestamp& m) {
    scanner in{text};
    const auto year = in.digits(4);
    in.expect('-');
    const auto month = in.digits(2);
    in.expect('-');
    const auto day_of_month = in.digits(2);
    if (!in.next('T') && !in.next('t')) return false;
    const auto hour = in.digits(2);
    in.expect(':');
    const auto minute = in.digits(2);
    in.expect(':');
    const auto second = in.digits(2);
    const std::int32_t nanos = in.next('.') ? in.fraction() : 0;
    std::int64_t offset = 0;
    if (!in.next('Z') && !in.next('z')) {
        const bool east = in.next('+');
        if (!east) in.expect('-');
        const auto offset_hour = in.digits(2);
        in.expect(':');
        const auto offset_minute = in.digits(2);
        if (offset_hour > 23 || offset_minute > 59) return false;
        offset = (offset_hour * 60 + offset_minute) * 60 * (east ? 1 : -1);
    }
    const std::chrono::year_month_day ymd{std::chrono::year(static_cast<int>(year)), std::chrono::month(static_cast<unsigned>(month)),
                                          std::chrono::day(static_cast<unsigned>(day_of_month))};
    if (!in.good || !in.rest.empty() || !ymd.ok() || hour > 23 || minute > 59 || second > 59) return false;
    const std::int64_t days = std::chrono::sys_days(ymd).time_since_epoch().count();
    const std::int64_t seconds = days * day + hour * 3600 + minute * 60 + second - offset;
    if (seconds < first_second || seconds > last_second) return false;
    m.set_seconds(seconds);
    m.set_nanos(nanos);
    return true;
}

bool read_json(reader& in, google::protobuf::Timestamp& m) {
    std::string_view text;
    if (!in.text(text)) return false;
    return parse_timestamp(text, m) || in.refuse("expected a time of RFC 3339, such as \"2026-01-31T09:00:00Z\"");
}

void write_json(std::string& out, const google::protobuf::Duration& m) {
    out += '"';
    if (m.seconds() < 0 || m.nanos() < 0) out += '-';
    // Not std::abs: the least 64-bit value has no opposite.
    const auto seconds = m.seconds() < 0 ? std::uint64_t{0} - static_cast<std::uint64_t>(m.seconds()) : static_cast<std::uint64_t>(m.seconds());
    char text[24];
    out.append(text, static_cast<std::size_t>(std::to_chars(text, text + sizeof text, seconds).ptr - text));
    append_nanos(out, std::abs(m.nanos()));
    out += "s\"";
}

bool parse_duration(std::string_view text, google::protobuf::Duration& m) {
    scanner in{text};
    const bool negative = in.next('-');
    std::int64_t seconds = 0;
    const auto [end, error] = std::from_chars(in.rest.data(), in.rest.data() + in.rest.size(), seconds);
    if (error != std::errc{} || in.rest.front() == '-' || seconds > longest_duration) return false;
    in.rest.remove_prefix(static_cast<std::size_t>(end - in.rest.data()));
    const std::int32_t nanos = in.next('.') ? in.fraction() : 0;
    if (!in.good || in.rest != "s" || (seconds == longest_duration && nanos > 0)) return false;
    m.set_seconds(negative ? -seconds : seconds);
    m.set_nanos(negative ? -nanos : nanos);
    return true;
}

bool read_json(reader& in, google::protobuf::Duration& m) {
    std::string_view text;
    if (!in.text(text)) return false;
    return parse_duration(text, m) || in.refuse("expected a duration in seconds, such as \"1.5s\"");
}

}  // namespace bv::json
