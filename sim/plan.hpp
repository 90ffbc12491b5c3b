// What a seed comes to, before it is run: which nodes there are, who shops, what the shop does, and what goes wrong how often.
// Each part has a number and can be left out, so that a failing run can be cut down to what it needs.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "sim/chance.hpp"

namespace bv::sim {

enum class role : unsigned char { orders, inventory, payment, notification };

inline constexpr int skus = 6;

struct node_plan {
    std::string name;
    std::set<role> roles;
};

struct basket_line {
    int sku = 0;
    int quantity = 0;
};

struct return_plan {
    milliseconds after{0};           // the answer before
    std::vector<basket_line> lines;  // empty: all that is left
};

struct shopper {
    int number = 0;  // names its customer and its keys
    milliseconds arrives{0};
    std::vector<basket_line> basket;
    std::string method;
    bool clicks_twice = false;
    bool reuses_key = false;  // for another basket, which must be refused
    bool looks = false;       // reads the order again and again
    std::optional<milliseconds> cancels{};  // after the order was placed
    std::vector<return_plan> returns;       // one after the other
};

struct supply {
    int number = 0;
    milliseconds at{0};
    int sku = 0;
    int quantity = 0;  // < 0: a loss, which is refused when it is more than is available
};

struct price_change {
    milliseconds at{0};
    int sku = 0;
    std::int64_t price = 0;
};

struct plan {
    std::uint64_t seed = 0;
    std::vector<node_plan> nodes;
    std::vector<shopper> shoppers;
    std::vector<supply> supplies;
    std::vector<price_change> prices;
    fault_rates rates{};
    milliseconds storm{40'000};  // things go wrong for this long
    seconds hold{900};           // of stock for an order
};

[[nodiscard]] plan draw_plan(std::uint64_t seed);

// What of a plan is left out.
struct cuts {
    std::optional<std::set<int>> shoppers{};     // only these
    std::set<fault> without{};
    bool without_supplies = false, without_prices = false;  // later supplies; the first ones stay
    std::optional<milliseconds> calm_after{};
    std::optional<std::uint64_t> luck{};  // another schedule, and other moments of what goes wrong
    [[nodiscard]] bool empty() const noexcept {
        return !shoppers && without.empty() && !without_supplies && !without_prices && !calm_after && !luck;
    }
};
[[nodiscard]] plan apply(plan, const cuts&);
// " --shoppers 3,7 --without crash": as the command line takes them; a space in front of each.
[[nodiscard]] std::string to_options(const cuts&);
// "crash,decline,supplies" added to the cuts; the first word that names nothing is returned, else empty.
[[nodiscard]] std::string leave_out(cuts&, const std::string& words);

}  // namespace bv::sim
