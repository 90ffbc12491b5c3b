#include "platform/core/money.hpp"

#include <algorithm>
#include <limits>

#include "platform/core/assert.hpp"

namespace bv {
namespace {

__extension__ using int128 = __int128;

// ISO 4217 active codes by number of minor digits. Funds, metals and XXX are left out: nobody pays in them.
constexpr std::string_view with_0 = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF";
constexpr std::string_view with_3 = "BHD IQD JOD KWD LYD OMR TND";
constexpr std::string_view with_2 =
    "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CNY COP CRC CUP "
    "CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR "
    "KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN "
    "PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD "
    "TZS UAH USD UYU UZS VED VES WST XCD YER ZAR ZMW ZWG";

constexpr bool lists(std::string_view codes, std::string_view code) noexcept {
    for (std::size_t i = 0; i + 3 <= codes.size(); i += 4)
        if (codes.substr(i, 3) == code) return true;
    return false;
}

// Digits of a code, or -1 when it is none.
constexpr int digits_of(std::string_view code) noexcept {
    if (code.size() != 3) return -1;
    if (lists(with_2, code)) return 2;
    if (lists(with_0, code)) return 0;
    if (lists(with_3, code)) return 3;
    return -1;
}

constexpr std::uint64_t power_of_10(int n) noexcept {
    std::uint64_t p = 1;
    while (n-- > 0) p *= 10;
    return p;
}

std::expected<money, money_errc> fitted(int128 minor, currency c) noexcept {
    if (minor > std::numeric_limits<std::int64_t>::max() || minor < std::numeric_limits<std::int64_t>::min())
        return std::unexpected(money_errc::overflow);
    return money{static_cast<std::int64_t>(minor), c};
}

// The run of digits at the front as a magnitude; nullopt when it does not fit.
std::optional<std::uint64_t> take_digits(std::string_view& text, std::uint64_t value) noexcept {
    while (!text.empty() && text[0] >= '0' && text[0] <= '9') {
        if (__builtin_mul_overflow(value, std::uint64_t{10}, &value)) return std::nullopt;
        if (__builtin_add_overflow(value, static_cast<std::uint64_t>(text[0] - '0'), &value)) return std::nullopt;
        text.remove_prefix(1);
    }
    return value;
}

}  // namespace

std::optional<currency> currency::parse(std::string_view code) noexcept {
    if (digits_of(code) < 0) return std::nullopt;
    return currency(code.data());
}

int currency::exponent() const noexcept { return std::max(digits_of(code()), 0); }

std::expected<money, money_errc> money::plus(money other) const noexcept {
    if (currency != other.currency) return std::unexpected(money_errc::currency_mismatch);
    return fitted(static_cast<int128>(minor) + other.minor, currency);
}

std::expected<money, money_errc> money::minus(money other) const noexcept {
    if (currency != other.currency) return std::unexpected(money_errc::currency_mismatch);
    return fitted(static_cast<int128>(minor) - other.minor, currency);
}

std::expected<money, money_errc> money::times(std::int64_t n) const noexcept {
    return fitted(static_cast<int128>(minor) * n, currency);
}

std::expected<money, money_errc> money::scaled(std::int64_t numerator, std::int64_t denominator) const noexcept {
    BV_ASSERT(denominator > 0);
    const int128 product = static_cast<int128>(minor) * numerator;
    int128 quotient = product / denominator;
    const int128 remainder = product % denominator;  // has the product's sign
    const int128 twice = (remainder < 0 ? -remainder : remainder) * 2;
    const bool away = twice > denominator || (twice == denominator && quotient % 2 != 0);
    if (away) quotient += product < 0 ? -1 : 1;
    return fitted(quotient, currency);
}

std::string money::str() const {
    const auto digits = static_cast<std::size_t>(currency.exponent());
    // The magnitude in unsigned arithmetic: the smallest int64 has no positive counterpart.
    const std::uint64_t magnitude = minor < 0 ? 0 - static_cast<std::uint64_t>(minor) : static_cast<std::uint64_t>(minor);
    std::string out = std::to_string(magnitude);
    if (digits > 0) {
        if (out.size() <= digits) out.insert(0, digits + 1 - out.size(), '0');
        out.insert(out.size() - digits, 1, '.');
    }
    if (minor < 0) out.insert(0, 1, '-');
    return out.append(1, ' ').append(currency.code());
}

std::optional<money> money::parse(std::string_view decimal, bv::currency c) noexcept {
    const bool negative = decimal.starts_with('-');
    if (negative) decimal.remove_prefix(1);
    const std::size_t before = decimal.size();
    auto magnitude = take_digits(decimal, 0);
    if (!magnitude || decimal.size() == before) return std::nullopt;
    int missing = c.exponent();
    if (decimal.starts_with('.')) {
        decimal.remove_prefix(1);
        const std::size_t fraction = decimal.size();
        if (fraction == 0 || fraction > static_cast<std::size_t>(missing)) return std::nullopt;
        magnitude = take_digits(decimal, *magnitude);
        if (!magnitude) return std::nullopt;
        missing -= static_cast<int>(fraction);
    }
    if (!decimal.empty()) return std::nullopt;
    const int128 minor = static_cast<int128>(*magnitude) * power_of_10(missing);
    const auto out = fitted(negative ? -minor : minor, c);
    if (!out) return std::nullopt;
    return *out;
}

}  // namespace bv
