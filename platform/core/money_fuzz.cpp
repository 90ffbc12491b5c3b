// Amounts as people write them, and arithmetic that refuses instead of wrapping around.
#include <algorithm>
#include <cstring>
#include <string>

#include "platform/core/money.hpp"
#include "platform/testing/fuzz.hpp"

using namespace bv;

namespace {

__extension__ using int128 = __int128;

void written_and_read(money m) {
    const auto text = m.str();
    BV_ASSERT(text.size() > 4 && text.substr(text.size() - 3) == m.currency.code());
    BV_ASSERT(money::parse(std::string_view(text).substr(0, text.size() - 4), m.currency) == m);
}

// The same amount with no zeros in front and all digits of its currency, by text alone.
std::string canonical(std::string_view text, currency c) {
    const bool negative = text.starts_with('-');
    if (negative) text.remove_prefix(1);
    const auto point = std::min(text.find('.'), text.size());
    auto whole = text.substr(0, point), fraction = text.substr(std::min(text.size(), point + 1));
    while (whole.size() > 1 && whole[0] == '0') whole.remove_prefix(1);
    std::string out(whole);
    if (c.exponent() > 0) (out += '.').append(fraction).append(static_cast<std::size_t>(c.exponent()) - fraction.size(), '0');
    const bool zero = out.find_first_of("123456789") == out.npos;
    return (negative && !zero ? "-" : "") + out + ' ' + std::string(c.code());
}

}  // namespace

BV_FUZZ(money) {
    for (const currency c : {"GBP"_cur, "JPY"_cur, "KWD"_cur}) {
        const auto parsed = money::parse(bytes, c);
        if (!parsed) continue;
        written_and_read(*parsed);
        BV_ASSERT(parsed->str() == canonical(bytes, c));
    }
    if (const auto known = currency::parse(bytes)) BV_ASSERT(known->code() == bytes);

    std::int64_t n[3] = {};
    std::memcpy(n, bytes.data(), std::min(bytes.size(), sizeof n));
    const money a{n[0], "GBP"_cur}, b{n[1], "GBP"_cur};
    written_and_read(a);
    if (const auto sum = a.plus(b)) BV_ASSERT(int128{n[0]} + n[1] == sum->minor && sum->minus(b) == a);
    if (const auto difference = a.minus(b)) BV_ASSERT(int128{n[0]} - n[1] == difference->minor && difference->plus(b) == a);
    if (const auto product = a.times(n[1])) BV_ASSERT(int128{n[0]} * n[1] == product->minor);
    if (n[2] > 0)
        if (const auto share = a.scaled(n[1], n[2])) {
            // No whole number is nearer.
            const int128 twice = 2 * (int128{n[0]} * n[1] - int128{share->minor} * n[2]);
            BV_ASSERT(twice <= n[2] && twice >= -int128{n[2]});
        }
}
