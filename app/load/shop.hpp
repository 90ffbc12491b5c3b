// What the requests of a load are made of: shoppers with tokens, articles with stock, orders that were placed.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "app/load/scenario.hpp"
#include "platform/core/clock.hpp"
#include "platform/core/task.hpp"
#include "platform/net/http/client.hpp"

namespace bv::load {

// One thread. What it asks for itself is not part of what is measured.
class shop {
public:
    // `importer_key` may be empty: then the load buys what is on offer, and stock may run out. All outlive it.
    shop(http::client& client, std::string importer_key, rng& random) : client_(client), importer_key_(std::move(importer_key)), random_(random) {}

    // Makes what the scenario needs: articles LOAD-000… with stock, accounts, an order for each. Throws failure with the platform's answer when it refuses.
    task<void> open(const scenario&);
    // New tokens for the shoppers that open() made: an access token lasts a quarter of an hour.
    task<void> log_in_again();

    // Request number n of the call, with its placeholders filled.
    [[nodiscard]] http::client_request make(const call&, std::uint64_t n, std::size_t shopper);
    // Keeps the id of an order that was placed for later requests of that shopper.
    void placed(std::size_t shopper, const std::string& answer);

    // One of those that open() made.
    [[nodiscard]] std::size_t any_shopper() { return random_.below(regulars_); }
    [[nodiscard]] rng& random() noexcept { return random_; }
    [[nodiscard]] std::string register_body(std::size_t shopper) const;
    // A new account's number; it has no token before session().
    std::size_t add_shopper();
    void session(std::size_t shopper, const std::string& answer);
    [[nodiscard]] const std::string& note() const noexcept { return note_; }

private:
    struct account {
        std::string email, password, bearer;
        std::array<std::string, 64> orders{};  // the latest, as a ring
        std::size_t order_count = 0;
    };

    task<std::string> must(http::client_request);
    task<void> stock_articles();
    task<void> read_articles();
    task<void> make_shopper(std::size_t);
    [[nodiscard]] std::string filled(const std::string& text, std::uint64_t n, std::size_t shopper);
    [[nodiscard]] std::string value_of(std::string_view placeholder, std::uint64_t n, std::size_t shopper);
    [[nodiscard]] std::string random_word();
    [[nodiscard]] std::string order_lines();
    template <class Range>
    const auto& any_of(const Range& r) { return r[random_.below(r.size())]; }

    http::client& client_;
    std::string importer_key_;
    rng& random_;
    std::string run_ = random_word();  // of this run: in e-mail addresses and keys
    std::vector<account> shoppers_;
    std::size_t regulars_ = 1;            // the first of them, that open() made: they have a token all the time
    std::vector<std::string> skus_, categories_{"home"}, words_{"home"};
    std::string note_;
};

}  // namespace bv::load
