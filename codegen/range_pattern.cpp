#include "codegen/range_pattern.hpp"

#include <algorithm>
#include <string_view>

namespace bv::codegen {
namespace {

std::string digits(std::size_t count) {
    if (count == 0) return {};
    return count == 1 ? "[0-9]" : "[0-9]{" + std::to_string(count) + "}";
}

std::string between(char low, char high) {
    if (low == high) return {low};
    return std::string("[") + low + '-' + high + ']';
}

std::string either(const std::string& a, const std::string& b) {
    if (a.empty()) return b;
    return b.empty() ? a : a + '|' + b;
}

std::string grouped(const std::string& alternatives) {
    return alternatives.find('|') == std::string::npos ? alternatives : "(" + alternatives + ")";
}

// As many digits as `low`, and not less.
std::string at_least(std::string_view low) {
    if (low.find_first_not_of('0') == low.npos) return digits(low.size());
    const std::string same = low[0] + grouped(at_least(low.substr(1)));
    const std::string more = low[0] == '9' ? std::string{} : between(static_cast<char>(low[0] + 1), '9') + digits(low.size() - 1);
    return either(same, more);
}

std::string at_most(std::string_view high) {
    if (high.find_first_not_of('9') == high.npos) return digits(high.size());
    const std::string less = high[0] == '0' ? std::string{} : between('0', static_cast<char>(high[0] - 1)) + digits(high.size() - 1);
    return either(less, high[0] + grouped(at_most(high.substr(1))));
}

// Both have the same number of digits.
std::string within(std::string_view low, std::string_view high) {
    if (low.empty()) return {};
    if (low[0] == high[0] && (low.size() == 1 || low.substr(1) != std::string(low.size() - 1, '0') || high.substr(1) != std::string(low.size() - 1, '9')))
        return low[0] + grouped(within(low.substr(1), high.substr(1)));
    // First digits behind which anything may follow: the ends too where they begin or finish their decade.
    const bool whole_first = low.find_first_not_of('0', 1) == low.npos, whole_last = high.find_first_not_of('9', 1) == high.npos;
    const char from = static_cast<char>(low[0] + (whole_first ? 0 : 1)), to = static_cast<char>(high[0] - (whole_last ? 0 : 1));
    std::string out;
    if (!whole_first) out = low[0] + grouped(at_least(low.substr(1)));
    if (from <= to) out = either(out, between(from, to) + digits(low.size() - 1));
    return whole_last ? out : either(out, high[0] + grouped(at_most(high.substr(1))));
}

}  // namespace

std::string range_pattern(std::int64_t min, std::int64_t max) {
    if (min < 0) return "^-?(0|[1-9][0-9]{0,17})$";
    constexpr std::int64_t eighteen_digits = 999'999'999'999'999'999;
    const std::string low = std::to_string(min), high = std::to_string(std::max(min, std::min(max, eighteen_digits)));
    std::string all;
    for (std::size_t length = low.size(); length <= high.size(); ++length) {
        const std::string from = length == low.size() ? low : '1' + std::string(length - 1, '0');
        const std::string to = length == high.size() ? high : std::string(length, '9');
        all = either(all, within(from, to));
    }
    return "^(" + all + ")$";
}

}  // namespace bv::codegen
