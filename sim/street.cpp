#include "sim/street.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "domains/commerce/order/app/stream_codec.hpp"

namespace bv::sim {
namespace {

namespace stock_api = bitvelocity::commerce::inventory::v1;

rpc::context a_shopper(int n, std::string key) {
    rpc::context ctx;
    ctx.caller.kind = rpc::caller_kind::user;
    ctx.caller.id = uuid::named(fmt::format("shopper {}", n % 5));
    ctx.caller.scopes = {"orders.read", "orders.write"};
    ctx.idempotency_key = std::move(key);
    return ctx;
}

std::string reference_of(const supply& s) { return fmt::format("delivery {}", s.number); }

task<result<stock_api::Stock>> supply_on(node* to, supply s) {
    rpc::context ctx = rpc::context::for_service("simulation");
    if (s.quantity > 0) {
        stock_api::ReceiveStockRequest r;
        r.set_sku(sku_name(s.sku));
        r.set_quantity(s.quantity);
        r.set_reference(reference_of(s));
        co_return co_await to->stock().served().receive_stock(ctx, std::move(r));
    }
    stock_api::AdjustStockRequest r;
    r.set_sku(sku_name(s.sku));
    r.set_delta(s.quantity);
    r.set_reason("loss");
    ctx.idempotency_key = reference_of(s);
    co_return co_await to->stock().served().adjust_stock(ctx, std::move(r));
}

task<result<order::contract::Order>> place_on(node* to, shopper s) {
    order::contract::PlaceOrderRequest r;
    r.set_currency("GBP");
    r.set_payment_method(s.method);
    for (const auto& b : s.basket) {
        auto& l = *r.add_lines();
        l.set_sku(sku_name(b.sku));
        l.set_quantity(b.quantity);
    }
    auto ctx = a_shopper(s.number, fmt::format("order {}", s.number));
    co_return co_await to->orders().served().place_order(ctx, std::move(r));
}

task<result<order::contract::Order>> cancel_on(node* to, int n, std::string id) {
    order::contract::CancelOrderRequest r;
    r.set_id(std::move(id));
    auto ctx = a_shopper(n, {});
    co_return co_await to->orders().served().cancel_order(ctx, std::move(r));
}

task<result<order::contract::Order>> return_on(node* to, int n, std::string id, std::string key, return_plan p) {
    order::contract::ReturnOrderRequest r;
    r.set_id(std::move(id));
    for (const auto& b : p.lines) {
        auto& l = *r.add_lines();
        l.set_sku(sku_name(b.sku));
        l.set_quantity(b.quantity);
    }
    auto ctx = a_shopper(n, std::move(key));
    co_return co_await to->orders().served().return_order(ctx, std::move(r));
}

task<result<order::contract::Order>> read_on(node* to, int n, std::string id) {
    order::contract::GetOrderRequest r;
    r.set_id(std::move(id));
    auto ctx = a_shopper(n, {});
    co_return co_await to->orders().served().get_order(ctx, std::move(r));
}

}  // namespace

// A call over the network: its answer may be lost with the node that works on it.
template <class R>
struct street::exchange {
    std::optional<result<R>> answer;
    std::shared_ptr<waiter> done = waiter::make();
};
// Its end wakes the caller, also when the node crashed before it began to serve.
template <class R>
struct street::hang_up {
    explicit hang_up(std::shared_ptr<exchange<R>> x) noexcept : of(std::move(x)) {}
    hang_up(hang_up&&) noexcept = default;
    hang_up& operator=(hang_up&&) = delete;
    ~hang_up() {
        if (of) of->done->wake();
    }
    std::shared_ptr<exchange<R>> of;
};

template <class R>
task<void> street::serve(hang_up<R> line, std::function<task<result<R>>()> work) {
    try {
        line.of->answer = co_await work();
    } catch (...) {
        line.of->answer = std::unexpected(current_error());
    }
}

template <class R>
task<result<R>> street::call(node* to, std::function<task<result<R>>()> work) {
    if (!to) co_return fail(code::unavailable, "NODE_DOWN", "nobody answers");
    const auto x = std::make_shared<exchange<R>>();
    to->spawn(serve(hang_up<R>(x), std::move(work)));
    co_await x->done->wait();
    if (!x->answer) co_return fail(code::unavailable, "CONNECTION_LOST", "the connection broke");
    co_return std::move(*x->answer);
}

// Asks again, under the same key, until there is an answer that says something.
template <class R>
task<result<R>> street::insist(role r, ask<R> make) {
    result<R> last = fail(code::unavailable, "NEVER_TRIED", "");
    for (int tries = 0; tries < 200; ++tries) {
        auto* to = find(r);
        std::function<task<result<R>>()> work;
        if (to) work = [to, &make] { return make(to); };
        last = co_await call<R>(to, std::move(work));
        if (last || !is_retriable(last.error().code)) break;
        co_await clock_.sleep_for(milliseconds(200));
    }
    co_return last;
}

street::street(stores& s, timeline& t, std::vector<std::unique_ptr<node>>& nodes, std::uint64_t seed, sayer say)
    : stores_(s), time_(t), nodes_(nodes), random_(seed), say_(std::move(say)), clock_(t, microseconds(0)) {}

void street::open(const plan& p) {
    for (const auto& s : p.supplies) spawn(deliver(this, s));
    for (const auto& c : p.prices) spawn(change_price(this, c));
    for (const auto& s : p.shoppers) spawn(shop(this, s));
}

bool street::run_one() {
    io_.restart();
    return io_.poll_one() > 0;
}

node* street::find(role r) {
    std::vector<node*> up;
    for (auto& n : nodes_)
        if (n->has(r) && n->is_up()) up.push_back(n.get());
    return up.empty() ? nullptr : up[random_.below(up.size())];
}

task<void> street::change_price(street* me, price_change c) {
    co_await me->clock_.sleep_for(c.at);
    me->stores_.prices.change(me->time_.now(), c);
    me->say_(fmt::format("{} costs {} from now on", sku_name(c.sku), c.price));
}

task<void> street::deliver(street* me, supply s) {
    co_await me->clock_.sleep_for(s.at);
    const ask<stock_api::Stock> make = [s](node* to) { return supply_on(to, s); };
    const auto done = co_await me->insist<stock_api::Stock>(role::inventory, make);
    me->say_(fmt::format("{} of {} come in: {}", s.quantity, sku_name(s.sku), done ? "booked" : done.error().reason));
    if (done) me->supplied_.push_back(s);
    else if (s.quantity > 0 || done.error().reason != "STOCK_SHORT")
        me->wrong("stock.conserved", reference_of(s), "was refused: " + done.error().reason);
}

// `known` was seen before this was asked for.
void street::saw(promise& p, std::int64_t known, const placed& o) {
    if (o.version() < known) wrong("orders.monotonic", p.order, fmt::format("was seen at version {} and then at {}", known, o.version()));
    p.version = std::max(p.version, o.version());
}

task<void> street::look(street* me, promise* p) {
    for (int i = 0; i < 20; ++i) {
        co_await me->clock_.sleep_for(milliseconds(50 + me->random_.below(400)));
        const auto known = p->version;
        const ask<placed> make = [p](node* to) { return read_on(to, p->who.number, p->order); };
        const auto o = co_await me->insist<placed>(role::orders, make);
        if (o) me->saw(*p, known, *o);
        else me->wrong("orders.kept", p->order, "cannot be read: " + o.error().reason);
    }
}

task<void> street::give_back(street* me, promise* p) {
    const int n = p->who.number;
    int part = 0;
    for (const auto& r : p->who.returns) {
        co_await me->clock_.sleep_for(r.after);
        const auto key = fmt::format("return {} of {}", ++part, n);
        const ask<placed> make = [n, p, key, r](node* to) { return return_on(to, n, p->order, key, r); };
        auto known = p->version;
        auto back = co_await me->insist<placed>(role::orders, make);
        // Under way still: once more, later.
        for (int tries = 0; tries < 6 && !back && back.error().reason == "ORDER_NOT_CONFIRMED"; ++tries) {
            co_await me->clock_.sleep_for(milliseconds(250 << tries));
            known = p->version;
            back = co_await me->insist<placed>(role::orders, make);
        }
        me->say_(fmt::format("shopper {} returns: {}", n, back ? "yes" : back.error().reason));
        if (!back) continue;
        p->returned.push_back(key);
        me->saw(*p, known, *back);
    }
}

task<void> street::shop(street* me, shopper s) {
    co_await me->clock_.sleep_for(s.arrives);
    const auto asked = me->time_.now();
    const ask<placed> place = [s](node* to) { return place_on(to, s); };
    const auto first = co_await me->insist<placed>(role::orders, place);
    me->say_(fmt::format("shopper {} placed: {}", s.number, first ? first->id() : first.error().reason));
    if (!first) {
        me->wrong("orders.kept", fmt::format("shopper {}", s.number), "was refused: " + first.error().reason);
        co_return;
    }
    auto* p = me->promises_.emplace_back(std::make_unique<promise>(first->id(), s, asked, me->time_.now())).get();
    me->saw(*p, 0, *first);
    if (s.looks) me->spawn(look(me, p));
    if (!s.returns.empty()) me->spawn(give_back(me, p));
    if (s.clicks_twice) {
        const auto again = co_await me->insist<placed>(role::orders, place);
        if (!again || again->id() != p->order)
            me->wrong("orders.once", p->order, "a repeat under its key became " + (again ? again->id() : again.error().reason));
    }
    if (s.reuses_key) {
        auto other = s;
        ++other.basket.front().quantity;
        const ask<placed> reuse = [other](node* to) { return place_on(to, other); };
        const auto again = co_await me->insist<placed>(role::orders, reuse);
        if (again || again.error().reason != "IDEMPOTENCY_KEY_REUSED")
            me->wrong("orders.once", p->order, "another basket under its key became " + (again ? again->id() : again.error().reason));
    }
    if (!s.cancels) co_return;
    co_await me->clock_.sleep_for(*s.cancels);
    const auto known = p->version;
    const ask<placed> cancel = [n = s.number, p](node* to) { return cancel_on(to, n, p->order); };
    const auto c = co_await me->insist<placed>(role::orders, cancel);
    me->say_(fmt::format("shopper {} cancels: {}", s.number, c ? "yes" : c.error().reason));
    p->cancelled = c.has_value();
    if (c) me->saw(*p, known, *c);
}

void street::check(const stores& s, outcome& out) const {
    for (const auto& v : seen_) out.violations.push_back(v);
    for (const auto& d : supplied_) {
        std::int64_t found = 0;
        s.stock.receipts.each_committed([&](const auto& key, const inventory::receipt& r) {
            const bool is_it = key.second == sku_name(d.sku) && r.quantity == d.quantity &&
                               (key.first == reference_of(d) || key.first.starts_with("key:"));
            found += is_it ? 1 : 0;
        });
        if (found == 0) out.violations.push_back({"stock.conserved", reference_of(d), "was booked and is lost"});
    }
    for (const auto& p : promises_) {
        const auto broken = [&](std::string_view invariant, std::string what) { out.violations.push_back({std::string(invariant), p->order, std::move(what)}); };
        const auto id = order::order_id::parse(p->order);
        const auto* row = id ? s.orders.projections.committed(*id) : nullptr;
        const auto* first = id ? s.orders.events.committed({*id, 1}) : nullptr;
        if (!first || !row) {
            broken("orders.kept", "was acknowledged and is lost");
            continue;
        }
        if (p->cancelled && row->summary.status != order::status::cancelled) broken("orders.kept", "was cancelled, as its buyer was told, and is not");
        if (row->summary.returns.size() < p->returned.size()) broken("orders.kept", "a return that was accepted is lost");
        if (row->summary.version < p->version) broken("orders.kept", "was seen at a version that it does not have");
        const auto placed = std::get<order::order_placed>(order::decode(first->type, first->payload));
        std::int64_t total = 0;
        for (const auto& l : placed.lines) {
            total += l.quantity * l.unit_price;
            if (!s.prices.cost(sku_number(l.sku), l.unit_price, p->asked, p->answered)) broken("orders.priced", fmt::format("{} never cost {}", l.sku, l.unit_price));
        }
        if (placed.total != total) broken("orders.priced", fmt::format("costs {}, its lines {}", placed.total, total));
        for (const auto& b : p->who.basket) {
            const auto wanted = [&](const order::line& l) { return l.sku == sku_name(b.sku) && l.quantity == b.quantity; };
            if (std::ranges::none_of(placed.lines, wanted) || placed.lines.size() != p->who.basket.size()) broken("orders.kept", "is not what was asked for");
        }
    }
}

}  // namespace bv::sim
