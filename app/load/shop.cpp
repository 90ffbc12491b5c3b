#include "app/load/shop.hpp"

#include <algorithm>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "app/replay/json_fields.hpp"
#include "platform/security/encoding.hpp"

namespace bv::load {

using replay::items_at;
using replay::json_string;
using replay::text_at;

namespace {

constexpr int articles = 50;
constexpr std::int64_t stock_of_each = 1'000'000;

boost::json::value parsed(const std::string& body) {
    boost::system::error_code ec;
    auto out = boost::json::parse(body, ec);
    return ec ? boost::json::value{} : out;
}

http::client_request asking(http::verb verb, std::string target, std::string body = {}) { return {.verb = verb, .target = std::move(target), .body = std::move(body)}; }

std::string article(int n) { return fmt::format("LOAD-{:03}", n); }

}  // namespace

std::string shop::random_word() {
    std::array<std::uint8_t, 8> bytes{};
    random_.fill(bytes);
    return security::hex(bytes);
}

task<std::string> shop::must(http::client_request r) {
    const auto what = fmt::format("{} {}", http::name(r.verb), r.target);
    auto answer = co_await client_.send(std::move(r));
    if (answer.status < 300) co_return std::move(answer.body);
    const auto problem = parsed(answer.body);
    throw failure(code::failed_precondition, "LOAD_REFUSED", fmt::format("before the load, {} was answered {}: {}", what, answer.status, text_at(problem, "detail")));
}

task<void> shop::open(const scenario& s) {
    if (s.needs("{sku}") || s.needs("{lines}") || s.needs("{category}") || s.needs("{word}")) {
        if (!importer_key_.empty()) co_await stock_articles();
        co_await read_articles();
    }
    const bool accounts = std::ranges::any_of(s.calls, [](const call& c) { return c.is_journey || c.as == caller::shopper || c.name == "log-in"; });
    regulars_ = accounts || s.needs("{email}") ? static_cast<std::size_t>(s.shoppers) : 1;
    while (shoppers_.size() < regulars_) {
        const auto n = add_shopper();
        if (accounts || s.needs("{email}")) co_await make_shopper(n);
        if (!s.needs("{order}") || !accounts) continue;
        const call order{.name = "first", .verb = http::verb::post, .target = "/v1/orders", .bodies = {R"({"currency":"GBP","paymentMethod":"card_ok","lines":{lines}})"}, .keyed = true};
        placed(n, co_await must(make(order, n, n)));
    }
}

task<void> shop::stock_articles() {
    const auto keyed = [this](http::client_request r) {
        r.headers.add("X-Api-Key", importer_key_);
        return r;
    };
    std::string products, items;
    for (int n = 0; n < articles; ++n) {
        products += fmt::format(R"({}{{"sku":"{}","name":"Load article {:03}","description":"Made by bv load.","category":"load","onSale":true,"prices":[{{"currency":"GBP","minorUnits":"{}"}}]}})",
                                n == 0 ? "" : ",", article(n), n, 500 + n);
        items += fmt::format(R"({}{{"sku":"{}","quantity":"{}"}})", n == 0 ? "" : ",", article(n), stock_of_each);
    }
    const auto last = co_await client_.send(asking(http::verb::get, "/v1/products/" + article(articles - 1)));
    if (last.status == 404) co_await must(keyed(asking(http::verb::post, "/v1/products:batchUpsert", fmt::format(R"({{"products":[{}]}})", products))));
    co_await must(keyed(asking(http::verb::post, "/v1/stock:batchReceive", fmt::format(R"({{"reference":"load {}","items":[{}]}})", run_, items))));
    note_ = fmt::format("{} articles {} to {} with {} of each in stock", articles, article(0), article(articles - 1), stock_of_each);
}

task<void> shop::read_articles() {
    const auto answer = parsed(co_await must(asking(http::verb::get, importer_key_.empty() ? "/v1/products?page_size=100" : "/v1/products?category=load&page_size=100")));
    for (const auto& p : items_at(answer, "products")) {
        skus_.push_back(text_at(p, "sku"));
        const auto name = text_at(p, "name");
        words_.push_back(name.substr(0, std::min(name.find(' '), name.size())));
        if (auto c = text_at(p, "category"); !c.empty() && std::ranges::find(categories_, c) == categories_.end()) categories_.push_back(std::move(c));
    }
    if (skus_.empty()) throw failure(code::failed_precondition, "NOTHING_ON_OFFER", "the platform has no product on offer, so there is nothing to read or to order");
    std::erase_if(words_, [](const std::string& w) { return w.empty() || !std::ranges::all_of(w, [](unsigned char c) { return std::isalnum(c) != 0; }); });
    if (words_.empty()) words_.emplace_back("home");
    if (note_.empty()) note_ = fmt::format("{} articles on offer; what is ordered comes out of their stock", skus_.size());
}

std::size_t shop::add_shopper() {
    const auto n = shoppers_.size();
    shoppers_.push_back({fmt::format("load-{}-{}@load.example", run_, n), random_word() + random_word(), {}});
    return n;
}

std::string shop::register_body(std::size_t n) const {
    return fmt::format(R"({{"email":"{}","password":"{}","displayName":"Load"}})", shoppers_[n].email, shoppers_[n].password);
}

void shop::session(std::size_t n, const std::string& answer) {
    if (auto token = text_at(parsed(answer), "accessToken"); !token.empty()) shoppers_[n].bearer = "Bearer " + token;
}

task<void> shop::make_shopper(std::size_t n) {
    co_await must(asking(http::verb::post, "/v1/accounts", register_body(n)));
    session(n, co_await must(asking(http::verb::post, "/v1/sessions", fmt::format(R"({{"email":"{}","password":"{}"}})", shoppers_[n].email, shoppers_[n].password))));
}

task<void> shop::log_in_again() {
    for (std::size_t n = 0; n < regulars_; ++n) {
        if (shoppers_[n].bearer.empty()) continue;
        const auto answer = co_await client_.send(
            asking(http::verb::post, "/v1/sessions", fmt::format(R"({{"email":"{}","password":"{}"}})", shoppers_[n].email, shoppers_[n].password)));
        if (answer.status == 200) session(n, answer.body);
    }
}

http::client_request shop::make(const call& c, std::uint64_t n, std::size_t shopper) {
    http::client_request r;
    r.verb = c.verb;
    r.target = filled(c.target, n, shopper);
    if (!c.bodies.empty()) r.body = filled(c.bodies[n % c.bodies.size()], n, shopper);
    if (c.as == caller::shopper) r.headers.add("Authorization", shoppers_[shopper].bearer);
    if (c.as == caller::importer) r.headers.add("X-Api-Key", importer_key_);
    for (const auto& [name, value] : c.headers) r.headers.add(name, value);
    if (c.keyed) r.headers.add("Idempotency-Key", fmt::format("load-{}-{}-{}", run_, c.name, n));
    return r;
}

void shop::placed(std::size_t shopper, const std::string& answer) {
    // The id is the first field of an order: worth no parse of all its lines.
    constexpr std::string_view id = R"("id":")";
    const auto at = answer.find(id);
    if (at == answer.npos || answer.size() < at + id.size() + 36) return;
    auto& a = shoppers_[shopper];
    a.orders[a.order_count++ % a.orders.size()] = answer.substr(at + id.size(), 36);
}

std::string shop::filled(const std::string& text, std::uint64_t n, std::size_t shopper) {
    std::string out;
    std::size_t from = 0;
    for (auto open = text.find('{'); open != text.npos; open = text.find('{', open + 1)) {
        const auto close = text.find_first_not_of("abcdefghijklmnopqrstuvwxyz_", open + 1);
        if (close == text.npos || close == open + 1 || text[close] != '}') continue;
        out.append(text, from, open - from);
        out += value_of(std::string_view(text).substr(open + 1, close - open - 1), n, shopper);
        from = close + 1;
    }
    return from == 0 ? text : out.append(text, from);
}

std::string shop::value_of(std::string_view placeholder, std::uint64_t n, std::size_t shopper) {
    const auto& a = shoppers_[shopper];
    if (placeholder == "sku") return any_of(skus_);
    if (placeholder == "category") return any_of(categories_);
    if (placeholder == "word") return any_of(words_);
    if (placeholder == "lines") return order_lines();
    if (placeholder == "n") return std::to_string(n);
    if (placeholder == "email") return a.email;
    if (placeholder == "password") return a.password;
    return a.order_count == 0 ? "none" : a.orders[random_.below(std::min(a.order_count, a.orders.size()))];
}

std::string shop::order_lines() {
    const auto most = std::min<std::uint64_t>(3, skus_.size());
    const auto first = random_.below(skus_.size()), count = 1 + random_.below(most);
    std::string out = "[";
    for (std::uint64_t i = 0; i < count; ++i)
        out += fmt::format(R"({}{{"sku":{},"quantity":"{}"}})", i == 0 ? "" : ",", json_string(skus_[(first + i) % skus_.size()]), 1 + random_.below(3));
    return out + "]";
}

}  // namespace bv::load
