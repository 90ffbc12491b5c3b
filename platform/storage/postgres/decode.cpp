#include <bit>
#include <cstring>
#include <limits>

#include <fmt/format.h>
#include <libpq-fe.h>

#include "platform/storage/postgres/database.hpp"

namespace bv::pg::detail {
namespace {

constexpr std::int64_t epoch_shift_us = 946'684'800'000'000;  // 2000-01-01
constexpr std::int64_t day_us = 86'400'000'000;
constexpr std::uint32_t first_user_oid = 16384;  // enums and domains of our own

// More types than params sends: what expressions and catalogues give back.
enum : std::uint32_t {
    oid_name = 19, oid_oid = 26, oid_xid = 28, oid_cid = 29, oid_json = 114, oid_float4 = 700, oid_unknown = 705,
    oid_bpchar = 1042, oid_varchar = 1043, oid_date = 1082, oid_timestamp = 1114, oid_numeric = 1700, oid_xid8 = 5069,
};

template <class T>
T big_endian(const char* p) noexcept {
    unsigned char bytes[sizeof(T)];
    std::memcpy(bytes, p, sizeof(T));
    if constexpr (std::endian::native == std::endian::little) {
        for (std::size_t i = 0; i < sizeof(T) / 2; ++i) std::swap(bytes[i], bytes[sizeof(T) - 1 - i]);
    }
    T v;
    std::memcpy(&v, bytes, sizeof v);
    return v;
}

template <class T>
T exactly(const cell& c, std::string_view wanted) {
    if (c.length != static_cast<std::int32_t>(sizeof(T))) misfit(c, wanted);
    return big_endian<T>(c.data);
}

// numeric_send: ndigits, weight, sign, dscale, then digits of base 10,000. sum() of a bigint is one.
std::int64_t whole_numeric(const cell& c) {
    if (c.length < 8) misfit(c, "a whole number");
    const int digits = big_endian<std::int16_t>(c.data), weight = big_endian<std::int16_t>(c.data + 2);
    const auto sign = big_endian<std::uint16_t>(c.data + 4);
    if (c.length < 8 + 2 * digits || sign > 0x4000) misfit(c, "a whole number (this one is NaN or infinite)");
    __extension__ __int128 value = 0;
    for (int i = 0; i < digits; ++i) {
        const int digit = big_endian<std::int16_t>(c.data + 8 + 2 * i);
        if (i > weight && digit != 0) misfit(c, "a whole number (this one has a fraction)");
        if (i <= weight) value = value * 10'000 + digit;
        if (value > std::numeric_limits<std::int64_t>::max()) misfit(c, "a 64-bit integer (this one is larger)");
    }
    for (int i = digits; i <= weight; ++i) {
        value *= 10'000;
        if (value > std::numeric_limits<std::int64_t>::max()) misfit(c, "a 64-bit integer (this one is larger)");
    }
    return static_cast<std::int64_t>(sign == 0x4000 ? -value : value);
}

std::int64_t integer(const cell& c, std::string_view wanted) {
    if (c.data == nullptr) misfit(c, wanted);
    switch (c.oid) {
        case oid::int2: return exactly<std::int16_t>(c, wanted);
        case oid::int4: return exactly<std::int32_t>(c, wanted);
        case oid::int8:
        case oid_xid8: return exactly<std::int64_t>(c, wanted);
        case oid_oid:
        case oid_xid:
        case oid_cid: return exactly<std::uint32_t>(c, wanted);
        case oid_numeric: return whole_numeric(c);
        default: misfit(c, wanted);
    }
}

template <class T>
T narrow(const cell& c, std::string_view wanted) {
    const std::int64_t v = integer(c, wanted);
    if (v < std::numeric_limits<T>::min() || v > std::numeric_limits<T>::max()) misfit(c, wanted);
    return static_cast<T>(v);
}

}  // namespace

cell cell_at(const pg_result* r, int row, int column) noexcept {
    const auto oid = static_cast<std::uint32_t>(PQftype(r, column));
    if (PQgetisnull(r, row, column) != 0) return {r, column, oid, nullptr, -1};
    return {r, column, oid, PQgetvalue(r, row, column), PQgetlength(r, row, column)};
}

void misfit(const cell& c, std::string_view wanted) {
    const char* name = PQfname(c.result, c.column);
    throw std::logic_error(fmt::format("column {} ({}) of a result with {} columns: {} of type oid {} read as {}", c.column,
                                       name != nullptr ? name : "not there", PQnfields(c.result),
                                       c.data == nullptr ? "a null" : "a value", c.oid, wanted));
}

void read(const cell& c, bool& out) {
    if (c.data == nullptr || c.oid != oid::boolean || c.length != 1) misfit(c, "bool");
    out = *c.data != 0;
}
void read(const cell& c, std::int16_t& out) { out = narrow<std::int16_t>(c, "int16"); }
void read(const cell& c, std::int32_t& out) { out = narrow<std::int32_t>(c, "int32"); }
void read(const cell& c, std::int64_t& out) { out = integer(c, "int64"); }
void read(const cell& c, double& out) {
    if (c.data == nullptr) misfit(c, "double");
    if (c.oid == oid::float8) {
        out = exactly<double>(c, "double");
    } else if (c.oid == oid_float4) {
        out = exactly<float>(c, "double");
    } else {
        misfit(c, "double");
    }
}
void read(const cell& c, std::string_view& out) {
    if (c.data == nullptr) misfit(c, "text");
    const std::string_view whole(c.data, static_cast<std::size_t>(c.length));
    switch (c.oid) {
        case oid::text:
        case oid_varchar:
        case oid_bpchar:
        case oid_name:
        case oid_json:
        case oid_unknown: out = whole; return;
        case oid::jsonb:
            if (whole.empty()) misfit(c, "text");
            out = whole.substr(1);  // after the version of the format
            return;
        default:
            if (c.oid < first_user_oid) misfit(c, "text (cast it in SQL: column::text)");
            out = whole;
    }
}
void read(const cell& c, std::string& out) {
    std::string_view v;
    read(c, v);
    out.assign(v);
}
void read(const cell& c, bytes& out) {
    if (c.data == nullptr || c.oid != oid::bytea) misfit(c, "bytes");
    out.data.assign(c.data, static_cast<std::size_t>(c.length));
}
void read(const cell& c, json& out) {
    if (c.data == nullptr || (c.oid != oid::jsonb && c.oid != oid_json)) misfit(c, "json");
    read(c, out.text);
}
void read(const cell& c, bv::uuid& out) {
    if (c.data == nullptr || c.oid != oid::uuid || c.length != 16) misfit(c, "uuid");
    std::memcpy(out.bytes.data(), c.data, 16);
}
void read(const cell& c, time_point& out) {
    if (c.data == nullptr) misfit(c, "a time");
    constexpr auto low = std::numeric_limits<std::int64_t>::min(), high = std::numeric_limits<std::int64_t>::max();
    std::int64_t us = 0;
    if (c.oid == oid::timestamptz || c.oid == oid_timestamp) {
        us = exactly<std::int64_t>(c, "a time");
    } else if (c.oid == oid_date) {
        const auto days = exactly<std::int32_t>(c, "a date");
        us = days == std::numeric_limits<std::int32_t>::max()   ? high
             : days == std::numeric_limits<std::int32_t>::min() ? low
                                                                : days * day_us;
    } else {
        misfit(c, "a time");
    }
    // The ends of the range are infinity on both sides.
    out = time_point(microseconds(us == low ? low : us > high - epoch_shift_us ? high : us + epoch_shift_us));
}

array_reader::array_reader(const cell& c) : array_(c) {
    if (c.data == nullptr) misfit(c, "an array");
    const std::int32_t dimensions = take_int32();
    take_int32();  // whether there are nulls
    element_oid_ = static_cast<std::uint32_t>(take_int32());
    if (dimensions == 0) return;
    if (dimensions != 1) misfit(c, "a one-dimensional array");
    size_ = take_int32();
    take_int32();  // lower bound
    if (size_ < 0 || size_ > (c.length - at_) / 4) misfit(c, "an array");
}

std::int32_t array_reader::take_int32() {
    if (array_.length - at_ < 4) misfit(array_, "an array");
    const auto v = big_endian<std::int32_t>(array_.data + at_);
    at_ += 4;
    return v;
}

cell array_reader::next() {
    const std::int32_t length = take_int32();
    cell element{array_.result, array_.column, element_oid_, nullptr, -1};
    if (length < 0) return element;
    if (array_.length - at_ < length) misfit(array_, "an array");
    element.data = array_.data + at_;
    element.length = length;
    at_ += length;
    return element;
}

}  // namespace bv::pg::detail
