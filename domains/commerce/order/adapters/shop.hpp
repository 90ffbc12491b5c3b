// Builders for tests: callers, requests, a catalogue, and what inventory and payment answer. Included by tests only.
#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "bitvelocity/commerce/inventory/v1/events.pb.h"
#include "bitvelocity/commerce/payment/v1/events.pb.h"
#include "domains/commerce/order/adapters/backend.hpp"
#include "domains/commerce/order/app/get_order.hpp"
#include "domains/commerce/order/app/handle_replies.hpp"
#include "domains/commerce/order/app/place_order.hpp"
#include "domains/commerce/order/app/project_orders.hpp"

namespace bv::order::testing {

inline const customer_id alice{uuid::named("alice")};
inline const customer_id bob{uuid::named("bob")};

inline rpc::context a_shopper(customer_id who = alice, std::string key = {}) {
    rpc::context ctx;
    ctx.caller.kind = rpc::caller_kind::user;
    ctx.caller.id = who.value;
    ctx.caller.scopes = {"orders.read", "orders.write"};
    ctx.idempotency_key = std::move(key);
    return ctx;
}
inline rpc::context an_importer() {
    rpc::context ctx;
    ctx.caller.kind = rpc::caller_kind::api_key;
    ctx.caller.id = uuid::named("importer");
    ctx.caller.scopes = {"orders.read.any", "orders.write.any"};
    return ctx;
}

// Sells A at 10.00, B at 5.00; OLD is off sale, EUR-ONLY has no price in pounds.
class small_catalogue final : public catalogue {
public:
    task<result<std::vector<offer>>> find(rpc::context&, std::vector<std::string> skus, bv::currency currency) override {
        const std::map<std::string, offer> all{{"A", {"A", "Apple", true, 1000}},
                                               {"B", {"B", "Bell", true, 500}},
                                               {"OLD", {"OLD", "Old", false, 100}},
                                               {"EUR-ONLY", {"EUR-ONLY", "Euro", true, std::nullopt}}};
        std::vector<offer> out;
        for (const auto& s : skus) {
            const auto it = all.find(s);
            if (it != all.end() && currency == "GBP"_cur) out.push_back(it->second);
        }
        co_return out;
    }
};

inline contract::PlaceOrderRequest a_request(const std::vector<std::pair<std::string, std::int64_t>>& lines = {{"A", 2}, {"B", 1}}) {
    contract::PlaceOrderRequest r;
    r.set_currency("GBP");
    r.set_payment_method("card_ok");
    for (const auto& [sku, quantity] : lines) {
        auto& l = *r.add_lines();
        l.set_sku(sku);
        l.set_quantity(quantity);
    }
    return r;
}

inline contract::PlaceOrderRequest an_import(customer_id who, std::string reference) {
    auto r = a_request();
    r.set_customer_id(who.str());
    r.set_external_reference(std::move(reference));
    return r;
}

inline task<result<placement>> prepared(const environment& env, rpc::context ctx, contract::PlaceOrderRequest request) {
    small_catalogue products;
    co_return co_await prepare_order(env, products, ctx, std::move(request));
}

// Places one order; the error of whichever step refused it.
inline task<result<order>> placed(const environment& env, rpc::context ctx, contract::PlaceOrderRequest request) {
    auto p = co_await prepared(env, std::move(ctx), std::move(request));
    if (!p) co_return std::unexpected(p.error());
    std::vector<placement> one;
    one.push_back(std::move(*p));
    auto answers = co_await place_orders(env, std::move(one));
    co_return std::move(answers.front());
}
inline task<order_id> an_order(const environment& env, customer_id who = alice) {
    const auto o = co_await placed(env, a_shopper(who), a_request());
    EXPECT_TRUE(o) << (o ? "" : o.error().message);
    co_return o ? o->id : order_id{};
}

template <class Message>
bv::events::event answer(std::string source, order_id id, const Message& m) {
    static std::int64_t position = 0;
    bv::events::event e;
    e.position = ++position;
    e.source = std::move(source);
    e.id = uuid::named("answer" + std::to_string(position));
    e.type = m.GetTypeName();
    e.key = id.str();
    e.payload = m.SerializeAsString();
    return e;
}
template <class Message>
bv::events::event from_inventory(order_id id) {
    Message m;
    m.set_order_id(id.str());
    return answer("inventory", id, m);
}
template <class Message>
bv::events::event from_payment(order_id id) {
    Message m;
    m.set_order_id(id.str());
    m.set_payment_id("pay-1");
    return answer("payment", id, m);
}
inline bv::events::event refunded(order_id id, std::string refund_id, std::int64_t amount) {
    ::bitvelocity::commerce::payment::v1::PaymentRefunded m;
    m.set_order_id(id.str());
    m.set_payment_id("pay-1");
    m.set_refund_id(std::move(refund_id));
    m.mutable_amount()->set_currency("GBP");
    m.mutable_amount()->set_minor_units(amount);
    return answer("payment", id, m);
}

namespace inv = ::bitvelocity::commerce::inventory::v1;
namespace pay = ::bitvelocity::commerce::payment::v1;

inline storage::transaction_options as_system() {
    storage::transaction_options o;
    o.identity = storage::system_identity("service:orders");
    return o;
}

// Delivers a batch to the saga, as the log does.
inline task<void> deliver(const environment& env, std::vector<bv::events::event> events) {
    co_await env.db.run(as_system(), [&](storage::unit_of_work& uow) { return handle_replies(env, uow, events); });
}
inline task<void> confirm(const environment& env, order_id id) {
    std::vector<bv::events::event> all{from_inventory<inv::StockReserved>(id), from_payment<pay::PaymentAuthorised>(id), from_payment<pay::PaymentCaptured>(id)};
    co_await deliver(env, std::move(all));
}
// Projects everything the outbox told of after `from`; how far it is then.
inline task<std::int64_t> project_all(backend& b, std::int64_t from = 0) {
    std::vector<bv::events::event> fresh;
    for (auto& e : co_await b.published()) {
        if (e.position > from && std::ranges::count(projected_types(), e.type) > 0) fresh.push_back(std::move(e));
    }
    const auto& env = b.env();
    if (fresh.empty()) co_return from;
    co_await env.db.run(as_system(), [&](storage::unit_of_work& uow) { return project_orders(env, uow, fresh); });
    co_return fresh.back().position;
}
inline task<std::vector<order>> load_one(const environment& env, storage::unit_of_work& uow, order_id id) {
    co_return co_await env.streams.load(uow, std::vector<order_id>(1, id));
}
inline task<order> current(const environment& env, order_id id) {
    const auto found = co_await env.db.transact(as_system(), [&](storage::unit_of_work& uow) { return load_one(env, uow, id); });
    co_return found.empty() ? order{} : found.front();
}
inline std::vector<std::string> types_of(const std::vector<bv::events::event>& events, order_id id) {
    std::vector<std::string> out;
    for (const auto& e : events) {
        if (e.key == id.str()) out.emplace_back(e.short_type());
    }
    return out;
}

}  // namespace bv::order::testing
