// A product of the catalogue: what can be ordered, and at which price.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "platform/core/clock.hpp"
#include "platform/core/error.hpp"
#include "platform/core/money.hpp"

namespace bv::product {

// What people decide about a product. Sound ones (see problems) have their prices sorted by currency.
struct details {
    std::string name;
    std::string description;
    std::string category;       // a slug; empty: none
    std::vector<money> prices;  // at most one per currency
    bool on_sale = false;
    friend bool operator==(const details&, const details&) = default;
};

struct product {
    std::string sku;
    details is;
    std::int64_t version = 1;  // grows by one with each change
    time_point created_at{};
    time_point updated_at{};

    [[nodiscard]] std::string etag() const { return std::to_string(version); }
    friend bool operator==(const product&, const product&) = default;
};

// What an update names; the rest stays.
struct change {
    std::optional<std::string> name, description, category;
    std::optional<std::vector<money>> prices;
    std::optional<bool> on_sale;
};

// Prices in the order of their currencies, so that the same prices in another order are no change.
[[nodiscard]] details sorted(details);

// What is wrong beyond the contract's rules: no price or one that is not positive, a currency twice, a blank name, control
// characters. `path` is the product's in the request: "product", "products[3]". Empty: sound.
[[nodiscard]] std::vector<field_violation> problems(const details&, std::string_view path);

// The details with what the change names. May be unsound: see problems.
[[nodiscard]] details with(details, const change&);

// The product with other details, a version later; nullopt when nothing differs.
[[nodiscard]] std::optional<product> replaced(const product&, details, time_point now);

}  // namespace bv::product
