// What things cost, since when: the catalogue that orders take their prices from.
#pragma once

#include <algorithm>
#include <array>
#include <charconv>
#include <string>
#include <utility>
#include <vector>

#include "domains/commerce/order/app/catalogue.hpp"
#include "sim/plan.hpp"

namespace bv::sim {

[[nodiscard]] inline std::string sku_name(int sku) { return "SKU-" + std::to_string(sku); }
[[nodiscard]] inline int sku_number(std::string_view name) {
    int n = -1;
    std::from_chars(name.data() + std::min<std::size_t>(4, name.size()), name.data() + name.size(), n);
    return n;
}

class price_list {
public:
    price_list() {
        for (int i = 0; i < skus; ++i) since_[static_cast<std::size_t>(i)].emplace_back(steady_point{}, 100 + 50 * i);
    }
    void change(steady_point now, const price_change& c) { since_[static_cast<std::size_t>(c.sku)].emplace_back(now, c.price); }
    [[nodiscard]] std::int64_t now(int sku) const { return since_.at(static_cast<std::size_t>(sku)).back().second; }
    // Whether it cost that at some moment between the two.
    [[nodiscard]] bool cost(int sku, std::int64_t price, steady_point from, steady_point to) const {
        const auto& all = since_.at(static_cast<std::size_t>(sku));
        for (std::size_t i = 0; i < all.size(); ++i) {
            const bool ended = i + 1 < all.size() && all[i + 1].first < from;
            if (all[i].second == price && all[i].first <= to && !ended) return true;
        }
        return false;
    }

private:
    std::array<std::vector<std::pair<steady_point, std::int64_t>>, skus> since_;
};

// A shop's view of it.
class shop_window final : public order::catalogue {
public:
    explicit shop_window(const price_list& p) : prices_(p) {}
    task<result<std::vector<order::offer>>> find(rpc::context&, std::vector<std::string> names, bv::currency) override {
        std::vector<order::offer> out;
        for (auto& s : names) out.push_back({s, s, true, prices_.now(sku_number(s))});
        co_return out;
    }

private:
    const price_list& prices_;
};

}  // namespace bv::sim
