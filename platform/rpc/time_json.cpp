// Timestamp and Duration as JSON.
#include <google/protobuf/duration.pb.h>
#include <google/protobuf/timestamp.pb.h>

#include <charconv>
#include <chrono>

#include "platform/rpc/json_reader.hpp"
#include "platform/rpc/well_known.hpp"

namespace bv::json {
namespace {

constexpr std::int64_t first_second = -62'135'596'800;  // 0001-01-01T00:00:00Z
constexpr std::int64_t last_second = 253'402'300'799;   // 9999-12-31T23:59:59Z
constexpr std::int64_t longest_duration = 315'576'000'000;
constexpr std::int64_t day = 86'400;

constexpr std::size_t longest_time = 40;  // bytes of either in JSON

char* put_two(char* at, unsigned value) {
    at[0] = static_cast<char>('0' + value / 10);
    at[1] = static_cast<char>('0' + value % 10);
    return at + 2;
}

template <int Width>
char* put_digits(char* at, unsigned value) {
    for (int i = Width - 1; i >= 0; --i, value /= 10) at[i] = static_cast<char>('0' + value % 10);
    return at + Width;
}

// ".250", ".000250" or ".000000250", as short as the value allows; nothing for zero.
char* put_nanos(char* at, unsigned value) {
    if (value == 0) return at;
    *at++ = '.';
    if (value % 1'000'000 == 0) return put_digits<3>(at, value / 1'000'000);
    if (value % 1'000 == 0) return put_digits<6>(at, value / 1'000);
    return put_digits<9>(at, value);
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

// The numbers of "2026-01-31T09:00:00", which stand at fixed places.
struct date_digits {
    explicit date_digits(const char* text)
        : year(two(text) * 100 + two(text + 2)), month(two(text + 5)), day(two(text + 8)), hour(two(text + 11)), minute(two(text + 14)), second(two(text + 17)) {}

    unsigned bad = 0;  // not zero: one of them is not a number
    unsigned year, month, day, hour, minute, second;

private:
    unsigned two(const char* at) {
        const unsigned high = static_cast<unsigned char>(at[0]) - unsigned{'0'}, low = static_cast<unsigned char>(at[1]) - unsigned{'0'};
        bad |= static_cast<unsigned>(high > 9) | static_cast<unsigned>(low > 9);
        return high * 10 + low;
    }
};

}  // namespace

void write_json(writer& out, const google::protobuf::Timestamp& m) {
    const bool before_midnight = m.seconds() % day < 0;
    const std::int64_t since_midnight = m.seconds() % day + (before_midnight ? day : 0);
    const std::chrono::year_month_day ymd{std::chrono::sys_days(std::chrono::days(m.seconds() / day - (before_midnight ? 1 : 0)))};
    const auto year = static_cast<unsigned>(static_cast<int>(ymd.year())) % 10'000;
    const auto second = static_cast<unsigned>(since_midnight);
    char* at = out.room(longest_time);
    *at++ = '"';
    at = put_two(put_two(at, year / 100), year % 100);
    *at++ = '-';
    at = put_two(at, static_cast<unsigned>(ymd.month()));
    *at++ = '-';
    at = put_two(at, static_cast<unsigned>(ymd.day()));
    *at++ = 'T';
    at = put_two(at, second / 3600);
    *at++ = ':';
    at = put_two(at, second / 60 % 60);
    *at++ = ':';
    at = put_two(at, second % 60);
    at = put_nanos(at, static_cast<unsigned>(m.nanos()));
    *at++ = 'Z';
    *at++ = '"';
    out.advance(at);
}

bool parse_timestamp(std::string_view text, google::protobuf::Timestamp& m) {
    constexpr std::size_t to_seconds = std::string_view("2026-01-31T09:00:00").size();
    if (text.size() <= to_seconds) return false;
    const date_digits d{text.data()};
    if (d.bad != 0 || text[4] != '-' || text[7] != '-' || (text[10] != 'T' && text[10] != 't') || text[13] != ':' || text[16] != ':') return false;
    const unsigned hour = d.hour, minute = d.minute, second = d.second;
    scanner in{text.substr(to_seconds)};
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
    const std::chrono::year_month_day ymd{std::chrono::year(static_cast<int>(d.year)), std::chrono::month(d.month), std::chrono::day(d.day)};
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

void write_json(writer& out, const google::protobuf::Duration& m) {
    char* at = out.room(longest_time);
    char* const end = at + longest_time;
    *at++ = '"';
    if (m.seconds() < 0 || m.nanos() < 0) *at++ = '-';
    // Not std::abs: the least 64-bit value has no opposite.
    const auto seconds = m.seconds() < 0 ? std::uint64_t{0} - static_cast<std::uint64_t>(m.seconds()) : static_cast<std::uint64_t>(m.seconds());
    const auto nanos = static_cast<unsigned>(m.nanos());
    at = put_nanos(std::to_chars(at, end, seconds).ptr, m.nanos() < 0 ? 0U - nanos : nanos);
    *at++ = 's';
    *at++ = '"';
    out.advance(at);
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
