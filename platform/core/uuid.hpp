// UUID (RFC 9562): 128 bits, kept as bytes in network order. Minted as version 7: time-ordered.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace bv {

class clock;
class rng;

struct uuid {
    std::array<std::uint8_t, 16> bytes{};

    // "0190b8a4-…": 36 characters, lower case.
    [[nodiscard]] std::string str() const;
    // Accepts 36 characters in either case; nothing else.
    [[nodiscard]] static std::optional<uuid> parse(std::string_view text) noexcept;
    // Version 7 (RFC 9562 section 5.7): 48 bits of milliseconds, 12 of microseconds within it, 62 random bits. Ids
    // minted in different microseconds sort by time. Without state, so that the same clock and rng mint the same ids.
    [[nodiscard]] static uuid v7(const clock&, rng&);
    // Version 8 from the first bytes of SHA-256(name): the same name, the same id. For keys derived
    // from other keys, so that a repeated step mints the same id.
    [[nodiscard]] static uuid named(std::string_view name);

    [[nodiscard]] bool is_nil() const noexcept { return *this == uuid{}; }
    friend auto operator<=>(const uuid&, const uuid&) = default;
};

// A uuid that knows what it identifies: order_id and customer_id do not mix.
template <class Tag>
struct strong_id {
    uuid value{};

    [[nodiscard]] static strong_id v7(const clock& c, rng& r) { return {uuid::v7(c, r)}; }
    [[nodiscard]] static std::optional<strong_id> parse(std::string_view text) noexcept {
        if (auto u = uuid::parse(text)) return strong_id{*u};
        return std::nullopt;
    }
    [[nodiscard]] std::string str() const { return value.str(); }
    [[nodiscard]] bool is_nil() const noexcept { return value.is_nil(); }
    friend auto operator<=>(const strong_id&, const strong_id&) = default;
};

}  // namespace bv

template <>
struct std::hash<bv::uuid> {
    std::size_t operator()(const bv::uuid& u) const noexcept {
        std::uint64_t tail;  // the random half of a version 7 id
        std::memcpy(&tail, u.bytes.data() + 8, sizeof tail);
        return tail;
    }
};
template <class Tag>
struct std::hash<bv::strong_id<Tag>> {
    std::size_t operator()(const bv::strong_id<Tag>& id) const noexcept { return std::hash<bv::uuid>{}(id.value); }
};
