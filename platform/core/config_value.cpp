// Texts as configuration values and back.
#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <span>

#include "platform/core/config.hpp"

namespace bv::detail {
namespace {

struct unit {
    std::string_view name;
    std::int64_t factor;
};

// Longest first where one ends like another: "ms" before "s".
constexpr std::array<unit, 5> times{{{"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}}};
// Powers of 1024, as PostgreSQL's.
constexpr std::array<unit, 4> sizes{{{"KB", 1 << 10}, {"MB", 1 << 20}, {"GB", 1 << 30}, {"B", 1}}};

std::optional<std::int64_t> whole_number(std::string_view text) noexcept {
    std::int64_t out = 0;
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), out);
    if (ec != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return out;
}

std::optional<std::int64_t> with_unit(std::string_view text, std::span<const unit> units) noexcept {
    for (const auto& u : units) {
        if (!text.ends_with(u.name)) continue;
        const auto n = whole_number(text.substr(0, text.size() - u.name.size()));
        std::int64_t out = 0;
        if (!n || __builtin_mul_overflow(*n, u.factor, &out)) return std::nullopt;
        return out;
    }
    return std::nullopt;
}

// In the largest unit that divides it.
std::string in_units(std::int64_t n, std::span<const unit> units) {
    const unit* best = nullptr;
    for (const auto& u : units) {
        const bool fits = n % u.factor == 0 && (n != 0 || u.factor == 1);
        if (fits && (best == nullptr || u.factor > best->factor)) best = &u;
    }
    return std::to_string(n / best->factor) + std::string(best->name);
}

std::string limits(const config_entry& e, std::string (*show)(std::int64_t)) {
    using bounds = std::numeric_limits<std::int64_t>;
    if (e.least == bounds::min() && e.most == bounds::max()) return "";
    if (e.most == bounds::max()) return " of at least " + show(e.least);
    if (e.least == bounds::min()) return " of at most " + show(e.most);
    return " from " + show(e.least) + " to " + show(e.most);
}

std::string show_number(std::int64_t n) { return std::to_string(n); }
std::string show_time(std::int64_t n) { return in_units(n, times); }
std::string show_size(std::int64_t n) { return in_units(n, sizes); }

std::vector<std::string> split(std::string_view text) {
    std::vector<std::string> out;
    while (!text.empty()) {
        const auto comma = std::min(text.find(','), text.size());
        auto item = text.substr(0, comma);
        while (item.starts_with(' ')) item.remove_prefix(1);
        while (item.ends_with(' ')) item.remove_suffix(1);
        if (!item.empty()) out.emplace_back(item);
        text.remove_prefix(std::min(comma + 1, text.size()));
    }
    return out;
}

std::optional<bool> truth(std::string_view text) noexcept {
    if (text == "true" || text == "yes" || text == "on") return true;
    if (text == "false" || text == "no" || text == "off") return false;
    return std::nullopt;
}

std::string joined(const std::vector<std::string>& items, std::string_view between) {
    std::string out;
    for (const auto& item : items) out.append(out.empty() ? "" : between).append(item);
    return out;
}

}  // namespace

std::expected<config_value, std::string> parse_config_value(const config_entry& e, std::string_view text) {
    const auto in_range = [&e](std::optional<std::int64_t> n) { return n && *n >= e.least && *n <= e.most; };
    switch (e.kind) {
        case config_kind::boolean:
            if (const auto b = truth(text)) return *b;
            return std::unexpected(std::string("must be true or false"));
        case config_kind::integer:
            if (const auto n = whole_number(text); in_range(n)) return *n;
            return std::unexpected("must be an integer" + limits(e, show_number));
        case config_kind::duration:
            if (const auto n = with_unit(text, times); in_range(n)) return std::chrono::milliseconds(*n);
            return std::unexpected("must be a duration such as 250ms, 2s, 5m or 1h" + limits(e, show_time));
        case config_kind::size:
            if (const auto n = with_unit(text, sizes); in_range(n) && *n >= 0) return byte_count{static_cast<std::uint64_t>(*n)};
            return std::unexpected("must be a size such as 512B, 64KB, 64MB or 1GB" + limits(e, show_size));
        case config_kind::choice:
            if (std::ranges::find(e.allowed, text) != e.allowed.end()) return std::string(text);
            return std::unexpected("must be one of " + joined(e.allowed, ", "));
        case config_kind::text:
        case config_kind::secret: return std::string(text);
        case config_kind::list: return split(text);
    }
    return std::unexpected(std::string("has an unknown type"));
}

std::string config_text(const config_value& v) {
    struct {
        std::string operator()(bool b) const { return b ? "true" : "false"; }
        std::string operator()(std::int64_t n) const { return std::to_string(n); }
        std::string operator()(std::chrono::milliseconds d) const { return show_time(d.count()); }
        std::string operator()(byte_count b) const { return show_size(static_cast<std::int64_t>(b.bytes)); }
        std::string operator()(const std::string& s) const { return s; }
        std::string operator()(const std::vector<std::string>& l) const { return joined(l, ","); }
    } const show;
    return std::visit(show, v);
}

std::string nearest_name(std::string_view typed, const std::vector<std::string>& candidates) {
    // Optimal string alignment: insertion, deletion, substitution and the swap of two neighbours count one each.
    const auto distance = [](std::string_view a, std::string_view b) {
        std::vector<std::vector<std::size_t>> d(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
        for (std::size_t i = 0; i <= a.size(); ++i) d[i][0] = i;
        for (std::size_t k = 0; k <= b.size(); ++k) d[0][k] = k;
        for (std::size_t i = 1; i <= a.size(); ++i)
            for (std::size_t k = 1; k <= b.size(); ++k) {
                d[i][k] = std::min({d[i - 1][k] + 1, d[i][k - 1] + 1, d[i - 1][k - 1] + (a[i - 1] == b[k - 1] ? 0 : 1)});
                if (i > 1 && k > 1 && a[i - 1] == b[k - 2] && a[i - 2] == b[k - 1]) d[i][k] = std::min(d[i][k], d[i - 2][k - 2] + 1);
            }
        return d[a.size()][b.size()];
    };
    std::string best;
    // Beyond a third of its letters a suggestion would only confuse.
    std::size_t least = std::max<std::size_t>(2, typed.size() / 3) + 1;
    for (const auto& c : candidates)
        if (const auto d = distance(typed, c); d < least) {
            least = d;
            best = c;
        }
    return best;
}

}  // namespace bv::detail
