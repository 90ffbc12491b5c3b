#include "app/replay/import.hpp"

#include <algorithm>
#include <iterator>

#include <fmt/format.h>

#include "app/replay/json_fields.hpp"
#include "app/replay/text.hpp"
#include "platform/core/error.hpp"

namespace bv::replay {

namespace {

std::string list_body(std::string_view field, const std::vector<std::string>& items) {
    auto out = fmt::format("{{\"{}\":[", field);
    for (std::size_t i = 0; i < items.size(); ++i) {
        if (i > 0) out += ',';
        out += items[i];
    }
    return out + "]";
}

// Calls `each` with the JSON of at most import_batch items at a time.
template <class T, class F>
std::vector<std::vector<std::string>> in_batches(const std::vector<T>& all, F to_json) {
    std::vector<std::vector<std::string>> out;
    for (const auto& one : all) {
        auto text = to_json(one);
        if (text.empty()) continue;
        if (out.empty() || out.back().size() == import_batch) out.emplace_back();
        out.back().push_back(std::move(text));
    }
    return out;
}

std::string product_json(const product_plan& p) {
    const auto name = as_utf8(p.name, 200);
    return fmt::format(R"({{"sku":{},"name":{},"prices":[{{"currency":"GBP","minorUnits":"{}"}}],"onSale":true}})", json_string(p.sku), json_string(name), p.price_minor);
}

task<void> import_products(platform_api& api, const survey& s, imported& out) {
    for (const auto& batch : in_batches(s.products, product_json)) {
        const auto answer = co_await api.demand(http::verb::post, "/v1/products:batchUpsert", list_body("products", batch) + "}");
        out.products_created += number_at(answer, "created");
        out.products_updated += number_at(answer, "updated");
    }
}

task<void> receive_stock(platform_api& api, const survey& s, std::string file_key, double factor, imported& out) {
    const auto item = [factor](const product_plan& p) {
        const auto quantity = opening_stock(p, factor);
        return quantity > 0 ? fmt::format(R"({{"sku":{},"quantity":"{}"}})", json_string(p.sku), quantity) : std::string{};
    };
    int n = 0;
    for (const auto& batch : in_batches(s.products, item)) {
        const auto reference = fmt::format("replay:{}:{}", file_key, ++n);
        auto body = list_body("items", batch) + fmt::format(R"(,"reference":"{}"}})", reference);
        const auto answer = co_await api.call(http::verb::post, "/v1/stock:batchReceive", std::move(body), fmt::format("replay-{}-stock-{}", file_key, n));
        if (answer.ok()) {
            if (!answer.repeated) out.stock_items_received += number_at(answer.body, "receivedItems");
        } else if (answer.status == 422 && text_at(answer.body, "reason") == "IDEMPOTENCY_KEY_REUSED") {
            out.stock_differs = true;
        } else {
            throw failure(code::failed_precondition, "STOCK_REFUSED", fmt::format("the opening stock was answered {}: {}", answer.status, text_at(answer.body, "detail")));
        }
    }
}

task<void> import_accounts(platform_api& api, const survey& s, imported& out) {
    const auto account = [](const customer_plan& c) {
        return fmt::format(R"({{"externalReference":{},"country":{}}})", json_string("uci:" + c.number), json_string(as_utf8(c.country, 64)));
    };
    for (const auto& batch : in_batches(s.customers, account)) {
        const auto answer = co_await api.demand(http::verb::post, "/v1/accounts:batchImport", list_body("accounts", batch) + "}");
        const auto& ids = items_at(answer, "ids");
        if (ids.size() != batch.size())
            throw failure(code::data_loss, "ACCOUNTS_MISSING", fmt::format("{} accounts were imported and {} ids came back", batch.size(), ids.size()));
        for (const auto& id : ids) out.customer_ids.push_back(text_at(id, ""));
        out.accounts_created += number_at(answer, "created");
    }
}

}  // namespace

task<imported> import_file(platform_api& api, const survey& s, std::string file_key, double stock_factor) {
    imported out;
    for (const auto& p : s.products) {
        out.sku_places.emplace(p.sku, static_cast<std::uint32_t>(out.skus.size()));
        out.skus.push_back(p.sku);
    }
    for (std::size_t i = 0; i < s.customers.size(); ++i) out.customer_places.emplace(s.customers[i].number, static_cast<std::uint32_t>(i));
    co_await import_products(api, s, out);
    co_await receive_stock(api, s, file_key, stock_factor, out);
    co_await import_accounts(api, s, out);
    co_return out;
}

}  // namespace bv::replay
