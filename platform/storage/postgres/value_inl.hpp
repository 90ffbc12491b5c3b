// Templates of params and row; included by database.hpp. The conversions themselves are in value.cpp and decode.cpp.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "platform/storage/postgres/database.hpp"
#include "platform/storage/postgres/value.hpp"

namespace bv::pg {
namespace detail {

// Object ids of pg_type.dat.
namespace oid {
inline constexpr std::uint32_t boolean = 16, bytea = 17, int8 = 20, int2 = 21, int4 = 23, text = 25, float8 = 701,
                               timestamptz = 1184, uuid = 2950, jsonb = 3802;
}

// The array type of an element type that params sends.
[[nodiscard]] std::uint32_t array_of(std::uint32_t element) noexcept;

// The type that a C++ type is sent as.
template <class T>
struct sent_as;
template <> struct sent_as<bool> { static constexpr auto value = oid::boolean; };
template <> struct sent_as<std::int16_t> { static constexpr auto value = oid::int2; };
template <> struct sent_as<std::int32_t> { static constexpr auto value = oid::int4; };
template <> struct sent_as<std::int64_t> { static constexpr auto value = oid::int8; };
template <> struct sent_as<double> { static constexpr auto value = oid::float8; };
template <> struct sent_as<std::string> { static constexpr auto value = oid::text; };
template <> struct sent_as<std::string_view> { static constexpr auto value = oid::text; };
template <> struct sent_as<bytes> { static constexpr auto value = oid::bytea; };
template <> struct sent_as<json> { static constexpr auto value = oid::jsonb; };
template <> struct sent_as<bv::uuid> { static constexpr auto value = oid::uuid; };
template <> struct sent_as<time_point> { static constexpr auto value = oid::timestamptz; };
template <class Tag> struct sent_as<strong_id<Tag>> : sent_as<bv::uuid> {};
template <class T> struct sent_as<std::optional<T>> : sent_as<T> {};
template <class T> struct sent_as<std::vector<T>> {
    static std::uint32_t oid() noexcept { return array_of(sent_as<T>::value); }
};
template <class T>
[[nodiscard]] std::uint32_t oid_of() noexcept {
    if constexpr (requires { sent_as<T>::oid(); }) {
        return sent_as<T>::oid();
    } else {
        return sent_as<T>::value;
    }
}

// Big-endian 32-bit numbers in the middle of a buffer.
void append_int32(std::string& out, std::int32_t v);
void set_int32(std::string& out, std::size_t at, std::int32_t v) noexcept;

// One value of a result: data is nullptr when it is null.
struct cell {
    const pg_result* result;
    int column;
    std::uint32_t oid;
    const char* data;
    std::int32_t length;
};
[[nodiscard]] cell cell_at(const pg_result*, int row, int column) noexcept;
// Throws std::logic_error naming the column, its type and what was wanted.
[[noreturn]] void misfit(const cell&, std::string_view wanted);

void read(const cell&, bool&);
void read(const cell&, std::int16_t&);
void read(const cell&, std::int32_t&);
void read(const cell&, std::int64_t&);
void read(const cell&, double&);
void read(const cell&, std::string_view&);
void read(const cell&, std::string&);
void read(const cell&, bytes&);
void read(const cell&, json&);
void read(const cell&, bv::uuid&);
void read(const cell&, time_point&);
template <class Tag>
void read(const cell& c, strong_id<Tag>& out) {
    read(c, out.value);
}
template <class T>
void read(const cell& c, std::optional<T>& out) {
    if (c.data == nullptr) {
        out.reset();
    } else {
        read(c, out.emplace());
    }
}

// The elements of a one-dimensional array, in order.
class array_reader {
public:
    explicit array_reader(const cell&);
    [[nodiscard]] std::int32_t size() const noexcept { return size_; }
    cell next();

private:
    std::int32_t take_int32();
    cell array_;
    std::uint32_t element_oid_ = 0;
    std::int32_t size_ = 0;
    std::int32_t at_ = 0;
};
template <class T>
void read(const cell& c, std::vector<T>& out) {
    array_reader elements(c);
    out.clear();
    out.reserve(static_cast<std::size_t>(elements.size()));
    for (std::int32_t i = 0; i < elements.size(); ++i) {
        T value{};
        read(elements.next(), value);
        out.push_back(std::move(value));
    }
}

}  // namespace detail

template <class T>
void params::add(const std::optional<T>& v) {
    if (v) {
        add(*v);
    } else {
        slots_.push_back({detail::oid_of<T>(), -1, -1});
    }
}

template <class T>
void params::add(const std::vector<T>& v) {
    add_array(v, detail::sent_as<T>::value);
}

template <class T, std::size_t N>
void params::add(std::span<T, N> v) {
    add_array(v, detail::sent_as<std::remove_cv_t<T>>::value);
}

// array_send: dimensions, "has nulls", element type; per dimension its length and lower bound; per element its length and bytes.
template <class Range>
void params::add_array(const Range& v, std::uint32_t element_oid) {
    const std::size_t start = buffer_.size();
    const std::size_t first_slot = slots_.size();
    const bool empty = v.begin() == v.end();
    detail::append_int32(buffer_, empty ? 0 : 1);
    detail::append_int32(buffer_, 0);
    detail::append_int32(buffer_, static_cast<std::int32_t>(element_oid));
    if (!empty) {
        detail::append_int32(buffer_, static_cast<std::int32_t>(v.size()));
        detail::append_int32(buffer_, 1);
    }
    bool has_null = false;
    for (auto&& element : v) {
        const std::size_t length_at = buffer_.size();
        detail::append_int32(buffer_, -1);
        if constexpr (std::is_same_v<std::remove_cvref_t<decltype(element)>, std::vector<bool>::reference>) {
            add(static_cast<bool>(element));
        } else {
            add(element);
        }
        const slot one = slots_.back();
        slots_.resize(first_slot);  // an element is no parameter of its own
        if (one.offset < 0) {
            has_null = true;
        } else {
            detail::set_int32(buffer_, length_at, one.length);
        }
    }
    if (has_null) detail::set_int32(buffer_, start + 4, 1);
    push(detail::array_of(element_oid), start);
}

template <class T>
T row::get(int column) const {
    T out{};
    detail::read(detail::cell_at(result_, index_, column), out);
    return out;
}

}  // namespace bv::pg
