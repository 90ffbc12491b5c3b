// The scenarios and calls that need no file.
#include <array>

#include "app/load/scenario.hpp"

namespace bv::load {

namespace {

constexpr builtin scenarios[] = {
    {"calls", "the ten most common API calls, 100 a second", R"(# The ten most common API calls, weighted as a shop sees them.
rate: 100
duration: 30s
warm_up: 3s
shoppers: 16
calls:
  read-product: 40
  list-products: 12
  search-products: 8
  categories: 5
  place-order: 10
  read-order: 10
  list-orders: 5
  order-events: 4
  notifications: 4
  log-in: 2
)"},
    {"journey", "the full journey of an order, 10 a second", R"(# A shopper logs in or registers (some), browses, orders, waits for the outcome, reads the events; some cancel, some return.
rate: 10
duration: 30s
warm_up: 3s
shoppers: 16
calls:
  journey: 1
)"},
    {"browse", "cached reads by 32 callers: capacity", R"(# Reads only, as fast as they are answered.
callers: 32
duration: 15s
warm_up: 2s
shoppers: 64
calls:
  read-product: 8
  categories: 1
)"},
    {"orders", "orders placed by 32 callers: capacity", R"(# Orders under idempotency keys, as fast as they are accepted. Beyond orders.most_open the platform answers 503.
callers: 32
duration: 15s
warm_up: 2s
shoppers: 64
calls:
  place-order: 1
)"},
};

constexpr const char* order_body = R"({"currency":"GBP","paymentMethod":"card_ok","lines":{lines}})";

}  // namespace

std::span<const builtin> builtin_scenarios() { return scenarios; }

std::span<const call> builtin_calls() {
    using enum http::verb;
    static const std::array all{
        call{"read-product", 1, get, "/v1/products/{sku}"},
        call{"list-products", 1, get, "/v1/products?category={category}&page_size=20"},
        call{"search-products", 1, get, "/v1/products?query={word}&page_size=20"},
        call{"categories", 1, get, "/v1/categories"},
        call{"place-order", 1, post, "/v1/orders", {order_body}, caller::shopper, true},
        call{"read-order", 1, get, "/v1/orders/{order}"},
        call{"list-orders", 1, get, "/v1/orders?page_size=20"},
        call{"order-events", 1, get, "/v1/orders/{order}/events"},
        call{"notifications", 1, get, "/v1/notifications?page_size=20"},
        call{"log-in", 1, post, "/v1/sessions", {R"({"email":"{email}","password":"{password}"})"}, caller::anyone},
        call{"account", 1, get, "/v1/accounts/me"},
        call{.name = "journey", .is_journey = true},
    };
    return all;
}

}  // namespace bv::load
