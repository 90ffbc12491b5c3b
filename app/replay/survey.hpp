// What a file holds, found in a first pass over it: the catalogue and the customers that its invoices need.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "app/replay/online_retail.hpp"

namespace bv::replay {

struct product_plan {
    std::string sku;
    std::string name;              // the newest description
    std::int64_t price_minor = 0;  // the price most of its lines have; of equally frequent ones the lowest
    std::int64_t sold = 0;         // units
};

struct customer_plan {
    std::string number;
    std::string country;           // of the newest invoice
};

struct survey {
    std::vector<product_plan> products;    // that are sold at least once; by SKU
    std::vector<customer_plan> customers;  // by number
    std::uint64_t sales = 0, returns = 0;  // invoices
    time_point first{}, last{};            // invoice dates
};

// Not thread-safe.
class surveyor {
public:
    void add(const invoice&);
    [[nodiscard]] survey finish() const;

private:
    struct product {
        std::string name;
        time_point named_at{};
        std::vector<std::pair<std::int64_t, std::uint64_t>> prices;  // few: price, lines
        std::int64_t sold = 0;
    };
    std::unordered_map<std::string, product> products_;
    std::unordered_map<std::string, std::string> customers_;
    std::uint64_t sales_ = 0, returns_ = 0;
    time_point first_ = time_point::max(), last_ = time_point::min();
};

// ceil(sold × factor); 0 for a factor of 0.
[[nodiscard]] std::int64_t opening_stock(const product_plan&, double factor) noexcept;

}  // namespace bv::replay
