#include "platform/storage/postgres/value.hpp"

#include <bit>
#include <cstring>
#include <limits>

#include "platform/core/assert.hpp"
#include "platform/storage/postgres/database.hpp"

namespace bv::pg {
namespace {

// Timestamps count microseconds from 2000-01-01 (PostgreSQL's datatype/timestamp.h).
constexpr std::int64_t epoch_shift_us = 946'684'800'000'000;

template <class T>
void append_big_endian(std::string& out, T v) {
    if constexpr (std::endian::native == std::endian::little) {
        char bytes[sizeof(T)];
        std::memcpy(bytes, &v, sizeof v);
        for (std::size_t i = sizeof(T); i-- > 0;) out.push_back(bytes[i]);
    } else {
        out.append(reinterpret_cast<const char*>(&v), sizeof v);
    }
}

}  // namespace

namespace detail {

std::uint32_t array_of(std::uint32_t element) noexcept {
    switch (element) {
        case oid::boolean: return 1000;
        case oid::bytea: return 1001;
        case oid::int2: return 1005;
        case oid::int4: return 1007;
        case oid::text: return 1009;
        case oid::int8: return 1016;
        case oid::float8: return 1022;
        case oid::timestamptz: return 1185;
        case oid::uuid: return 2951;
        case oid::jsonb: return 3807;
        default: BV_ASSERT(false && "an element type that params sends"); return 0;
    }
}

void append_int32(std::string& out, std::int32_t v) { append_big_endian(out, v); }

void set_int32(std::string& out, std::size_t at, std::int32_t v) noexcept {
    const auto u = static_cast<std::uint32_t>(v);
    for (std::size_t i = 0; i < 4; ++i) out[at + i] = static_cast<char>(u >> (24 - 8 * i));
}

}  // namespace detail

// The value is what was appended to the buffer since offset.
void params::push(std::uint32_t oid, std::size_t offset) {
    BV_ASSERT(buffer_.size() <= static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max()));
    slots_.push_back({oid, static_cast<std::int32_t>(offset), static_cast<std::int32_t>(buffer_.size() - offset)});
}

void params::add(bool v) {
    const auto at = buffer_.size();
    buffer_.push_back(v ? '\1' : '\0');
    push(detail::oid::boolean, at);
}
void params::add(std::int16_t v) {
    const auto at = buffer_.size();
    append_big_endian(buffer_, v);
    push(detail::oid::int2, at);
}
void params::add(std::int32_t v) {
    const auto at = buffer_.size();
    append_big_endian(buffer_, v);
    push(detail::oid::int4, at);
}
void params::add(std::int64_t v) {
    const auto at = buffer_.size();
    append_big_endian(buffer_, v);
    push(detail::oid::int8, at);
}
void params::add(double v) {
    const auto at = buffer_.size();
    append_big_endian(buffer_, v);
    push(detail::oid::float8, at);
}
void params::add(std::string_view v) {
    const auto at = buffer_.size();
    buffer_.append(v);
    push(detail::oid::text, at);
}
void params::add(const bytes& v) {
    const auto at = buffer_.size();
    buffer_.append(v.data);
    push(detail::oid::bytea, at);
}
void params::add(const json& v) {
    const auto at = buffer_.size();
    buffer_.push_back('\1');  // jsonb_recv: the version of the format
    buffer_.append(v.text);
    push(detail::oid::jsonb, at);
}
void params::add(const uuid& v) {
    const auto at = buffer_.size();
    buffer_.append(reinterpret_cast<const char*>(v.bytes.data()), v.bytes.size());
    push(detail::oid::uuid, at);
}
void params::add(time_point v) {
    constexpr auto low = std::numeric_limits<std::int64_t>::min(), high = std::numeric_limits<std::int64_t>::max();
    const std::int64_t us = v.time_since_epoch().count();
    const auto at = buffer_.size();
    // The ends of the range are infinity on both sides.
    append_big_endian(buffer_, us == high ? high : us < low + epoch_shift_us ? low : us - epoch_shift_us);
    push(detail::oid::timestamptz, at);
}

}  // namespace bv::pg
