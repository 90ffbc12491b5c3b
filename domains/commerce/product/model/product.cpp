#include "domains/commerce/product/model/product.hpp"

#include <algorithm>
#include <utility>

namespace bv::product {

namespace {

bool blank(std::string_view text) {
    return std::ranges::all_of(text, [](char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; });
}

// Tab and line breaks are text.
bool has_controls(std::string_view text) {
    return std::ranges::any_of(text, [](char c) {
        const auto u = static_cast<unsigned char>(c);
        return (u < 0x20 && c != '\t' && c != '\n' && c != '\r') || u == 0x7F;
    });
}

}  // namespace

details sorted(details d) {
    std::ranges::sort(d.prices, {}, [](const money& m) { return std::pair(m.currency, m.minor); });
    return d;
}

std::vector<field_violation> problems(const details& d, std::string_view path) {
    std::vector<field_violation> out;
    const auto at = [path](std::string_view field) { return std::string(path) + "." + std::string(field); };
    if (blank(d.name)) out.push_back({at("name"), "must not be blank"});
    if (has_controls(d.name)) out.push_back({at("name"), "must not have control characters"});
    if (has_controls(d.description)) out.push_back({at("description"), "must not have control characters other than tab and line breaks"});
    if (d.prices.empty()) out.push_back({at("prices"), "must have at least one price"});
    for (std::size_t i = 0; i < d.prices.size(); ++i) {
        const auto& p = d.prices[i];
        const auto price = "prices[" + std::to_string(i) + "].";
        if (p.minor <= 0) out.push_back({at(price + "minorUnits"), "must be more than 0, not " + std::to_string(p.minor)});
        if (std::any_of(d.prices.begin(), d.prices.begin() + static_cast<std::ptrdiff_t>(i), [&](const money& q) { return q.currency == p.currency; }))
            out.push_back({at(price + "currency"), "has " + std::string(p.currency.code()) + " twice; a product has at most one price per currency"});
    }
    return out;
}

details with(details d, const change& c) {
    if (c.name) d.name = *c.name;
    if (c.description) d.description = *c.description;
    if (c.category) d.category = *c.category;
    if (c.prices) d.prices = *c.prices;
    if (c.on_sale) d.on_sale = *c.on_sale;
    return d;
}

std::optional<product> replaced(const product& old, details wanted, time_point now) {
    wanted = sorted(std::move(wanted));
    if (wanted == old.is) return std::nullopt;
    return product{old.sku, std::move(wanted), old.version + 1, old.created_at, std::max(now, old.updated_at)};
}

}  // namespace bv::product
