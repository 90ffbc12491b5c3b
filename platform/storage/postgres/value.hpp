// Typed parameters and columns in PostgreSQL's binary format (PostgreSQL 15 manual, sections 55.7 and
// the send/receive functions of each type).
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "platform/core/clock.hpp"
#include "platform/core/uuid.hpp"

namespace bv::pg {

// Bytes for a bytea parameter or column (std::string is text).
struct bytes {
    std::string data;
    friend bool operator==(const bytes&, const bytes&) = default;
};
// A JSON document for a jsonb parameter or column, as text.
struct json {
    std::string text;
};

// The parameters of one statement. Supported: bool, int16/32/64, double, text, bytes, json, uuid and strong ids,
// time_point (timestamptz), std::optional of those (null), and std::vector / std::span of those (one-dimensional
// arrays; an element may be optional). Each value is sent with its type's OID: bool, int2, int4, int8, float8, text,
// bytea, jsonb, uuid, timestamptz and their array types; cast in SQL where another type is meant.
class params {
public:
    template <class... Ts>
    explicit params(const Ts&... values) {
        buffer_.reserve(32 * sizeof...(Ts));
        (add(values), ...);
    }

    void add(bool);
    void add(std::int16_t);
    void add(std::int32_t);
    void add(std::int64_t);
    void add(double);
    void add(std::string_view);
    void add(const std::string& s) { add(std::string_view(s)); }
    void add(const char* s) { add(std::string_view(s)); }
    void add(const bytes&);
    void add(const json&);
    void add(const uuid&);
    void add(time_point);
    // Other integers go as the narrowest of the above that holds them all; std::uint64_t has none: cast it.
    template <std::integral T>
        requires(!std::same_as<T, char> && (std::is_signed_v<T> || sizeof(T) < 8))
    void add(T v) {
        if constexpr (std::is_signed_v<T> ? sizeof(T) == 8 : sizeof(T) == 4) {
            add(static_cast<std::int64_t>(v));
        } else {
            add(static_cast<std::int32_t>(v));
        }
    }
    template <class T>
    void add(const T*) = delete;  // would be a bool
    template <class Tag>
    void add(const strong_id<Tag>& id) { add(id.value); }
    template <class T>
    void add(const std::optional<T>& v);
    template <class T>
    void add(const std::vector<T>& v);
    template <class T, std::size_t N>
    void add(std::span<T, N> v);

    struct slot {
        std::uint32_t oid;
        std::int32_t offset;  // into buffer(), -1 for null
        std::int32_t length;
    };
    [[nodiscard]] std::span<const slot> slots() const noexcept { return slots_; }
    [[nodiscard]] const std::string& buffer() const noexcept { return buffer_; }

private:
    template <class Range>
    void add_array(const Range& v, std::uint32_t element_oid);
    void push(std::uint32_t oid, std::size_t offset);

    std::string buffer_;
    std::vector<slot> slots_;
};

}  // namespace bv::pg
