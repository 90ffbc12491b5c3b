#include "app/replay/survey.hpp"

#include <algorithm>
#include <cmath>

namespace bv::replay {

void surveyor::add(const invoice& i) {
    customers_[i.customer] = i.country;
    first_ = std::min(first_, i.date);
    last_ = std::max(last_, i.date);
    if (i.is_return) {
        ++returns_;
        return;
    }
    ++sales_;
    for (const auto& l : i.lines) {
        auto& p = products_[l.sku];
        if (i.date >= p.named_at) {
            p.name = l.description;
            p.named_at = i.date;
        }
        p.sold += l.quantity;
        const auto known = std::ranges::find(p.prices, l.price_minor, &std::pair<std::int64_t, std::uint64_t>::first);
        if (known == p.prices.end()) p.prices.emplace_back(l.price_minor, 1);
        else ++known->second;
    }
}

survey surveyor::finish() const {
    survey out;
    for (const auto& [sku, p] : products_) {
        const auto usual = std::ranges::max_element(p.prices, [](const auto& a, const auto& b) { return a.second != b.second ? a.second < b.second : a.first > b.first; });
        out.products.push_back({sku, p.name, usual->first, p.sold});
    }
    for (const auto& [number, country] : customers_) out.customers.push_back({number, country});
    std::ranges::sort(out.products, {}, &product_plan::sku);
    std::ranges::sort(out.customers, {}, &customer_plan::number);
    out.sales = sales_;
    out.returns = returns_;
    if (sales_ + returns_ > 0) out.first = first_, out.last = last_;
    return out;
}

std::int64_t opening_stock(const product_plan& p, double factor) noexcept {
    return static_cast<std::int64_t>(std::ceil(static_cast<double>(p.sold) * factor));
}

}  // namespace bv::replay
