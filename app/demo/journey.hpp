// A shopper's journey over the public API: registers, browses, orders; then a declined card, an empty shelf, a change of mind.
#pragma once

#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>

#include "app/demo/narrator.hpp"
#include "app/demo/shop_client.hpp"

namespace bv::demo {

struct options {
    http::client_options where;
    std::string url;             // for links: "http://127.0.0.1:8080"
    std::string operator_key;    // empty: stock and ledger are not shown
    milliseconds patience{15'000};  // for a saga or a notification
};

class journey {
public:
    // The narrator outlives it.
    journey(options, narrator&);
    // True when every scene ended as it should. Throws failure when the platform refuses what it must not.
    bool run();

private:
    struct placed {
        std::string id, trace_id;
    };
    struct stock {
        std::int64_t available = 0, reserved = 0, sold = 0;
    };

    void register_shopper();
    void browse();
    void buy();
    void card_declined();
    void out_of_stock();
    void change_of_mind();
    void what_next();

    placed place(std::int64_t quantity, const std::string& payment_method);
    // Prints the order's events as they come, until each of these types was seen or patience ends.
    void watch(const std::string& order_id, std::initializer_list<std::string_view> until, std::int64_t after_version = 0);
    void expect_status(const std::string& order_id, std::string_view status);
    void show_trace(const std::string& trace_id);
    void show_notification(const std::string& order_id, std::string_view kind);
    void show_ledger(const std::string& order_id);
    void show_stock(const stock& before);
    [[nodiscard]] stock read_stock();
    [[nodiscard]] bool until(const std::function<bool()>&);
    // Asks as the shopper, printing it; throws failure unless it is answered with success.
    reply demand(http::verb, const std::string& target, const std::string& body = {}, std::string_view shown_body = {});
    void miss(const std::string& what);

    options options_;
    narrator& says_;
    shop_client shopper_, operators_;
    std::string sku_, name_, confirmed_order_;
    std::int64_t price_minor_ = 0;
    std::int64_t seen_version_ = 0;  // of confirmed_order_
    bool as_expected_ = true;
};

}  // namespace bv::demo
