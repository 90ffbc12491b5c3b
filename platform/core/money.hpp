// Money: minor units and an ISO 4217 currency. Checked arithmetic; never a float.
#pragma once

#include <compare>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

namespace bv {

// Three upper-case letters of ISO 4217.
class currency {
public:
    constexpr currency() = default;
    [[nodiscard]] static std::optional<currency> parse(std::string_view code) noexcept;  // known codes only
    [[nodiscard]] constexpr std::string_view code() const noexcept { return {code_, 3}; }
    // Digits after the decimal point: 2 for GBP, 0 for JPY, 3 for KWD.
    [[nodiscard]] int exponent() const noexcept;
    friend constexpr auto operator<=>(const currency&, const currency&) = default;

private:
    constexpr explicit currency(const char* c) noexcept : code_{c[0], c[1], c[2]} {}
    char code_[3] = {'X', 'X', 'X'};
    friend consteval currency operator""_cur(const char*, std::size_t);
};

consteval currency operator""_cur(const char* c, std::size_t n) {
    if (n != 3) throw "a currency has three letters";
    return currency(c);
}

enum class money_errc : std::uint8_t {
    overflow,           // the result does not fit 64 bits of minor units
    currency_mismatch,  // amounts of two currencies do not add
};

struct money {
    std::int64_t minor = 0;  // minor units: 1099 GBP is 10.99 pounds
    bv::currency currency{};

    [[nodiscard]] std::expected<money, money_errc> plus(money) const noexcept;
    [[nodiscard]] std::expected<money, money_errc> minus(money) const noexcept;
    [[nodiscard]] std::expected<money, money_errc> times(std::int64_t) const noexcept;
    // amount × numerator / denominator, rounded half to even. denominator > 0.
    [[nodiscard]] std::expected<money, money_errc> scaled(std::int64_t numerator, std::int64_t denominator) const noexcept;
    [[nodiscard]] bool is_zero() const noexcept { return minor == 0; }
    // "10.99 GBP"
    [[nodiscard]] std::string str() const;
    // A decimal of at most the currency's digits: "10.99" → 1099. Rejects more digits than the currency has.
    [[nodiscard]] static std::optional<money> parse(std::string_view decimal, bv::currency) noexcept;
    friend bool operator==(const money&, const money&) = default;
};

}  // namespace bv
