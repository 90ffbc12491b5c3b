#include "sim/run.hpp"

#include <fmt/format.h>

#include "platform/core/assert.hpp"
#include "platform/runtime/deadline.hpp"
#include "platform/telemetry/log.hpp"
#include "platform/telemetry/trace.hpp"
#include "sim/checks.hpp"
#include "sim/node.hpp"

namespace bv::sim {
namespace {

constexpr seconds storm{60};        // things go wrong for this long, and shoppers come
constexpr seconds patience{3'600};  // after it, everything must have ended within this
constexpr int skus = 4;

class world {
public:
    world(std::uint64_t seed, std::function<void(const std::string&)> trace)
        : chance_(seed), scheduler_(seed ^ 0x5eed), people_(seed ^ 0xb0b), trace_(std::move(trace)) {
        out_.seed = seed;
        if (people_.below(3) == 0) {
            add("platform-1", {role::orders, role::inventory, role::payment});
            add("platform-2", {role::orders, role::inventory, role::payment});
        } else {
            add("orders", {role::orders});
            add("inventory", {role::inventory});
            add("payment", {role::payment});
            if (people_.below(2) == 0) add("second", {static_cast<role>(people_.below(3))});
        }
        for (auto& n : nodes_) n->start();
    }

    outcome run() {
        const auto begun = time_.now();
        shoppers_.spawn(street_.get_executor(), receive_stock());
        const auto orders = 10 + people_.below(30);
        for (std::uint64_t i = 0; i < orders; ++i)
            shoppers_.spawn(street_.get_executor(), shop(this, static_cast<int>(i), milliseconds(people_.below(50'000)), people_.next()));
        run_until(begun + storm, [] { return false; });
        chance_.calm();
        say("calm");
        for (auto& n : nodes_)
            if (!n->is_up()) n->start();
        const bool ended = run_until(begun + storm + patience, [this] { return busy().empty(); });
        if (!ended) out_.violations.push_back({"orders.final", busy(), "are not done an hour after the last fault"});
        // What consumers and read models still have before them.
        run_until(time_.now() + seconds(30), [] { return false; });
        for (auto& n : nodes_) n->stop();
        run_until(time_.now() + seconds(60), [this] { return std::ranges::all_of(nodes_, &node::is_stopped); });
        for (auto& n : nodes_) {
            if (!n->is_stopped()) out_.violations.push_back({"nothing.left", n->name(), "does not stop"});
            n->crash();
        }
        check(stores_, out_);
        if (time_.waiting() != 0) out_.violations.push_back({"nothing.left", "timers", fmt::format("{} still wait", time_.waiting())});
        check_promises();
        out_.virtual_seconds = std::chrono::duration<double>(time_.now() - begun).count();
        out_.faults = chance_.counts();
        return std::move(out_);
    }

private:
    void add(std::string name, std::set<role> roles) { nodes_.push_back(std::make_unique<node>(std::move(name), std::move(roles), stores_, time_, chance_)); }

    void mix(std::uint64_t x) noexcept { out_.trace_hash = (out_.trace_hash ^ x) * 0x100000001b3U + (out_.trace_hash >> 29); }
    void say(const std::string& line) {
        for (const char c : line) mix(static_cast<unsigned char>(c));
        if (trace_) trace_(fmt::format("{:12.6f} {}", std::chrono::duration<double>(time_.now().time_since_epoch()).count(), line));
    }

    // Runs one handler of a node that has one ready, chosen by the seed.
    bool run_one() {
        const auto count = nodes_.size() + 1;
        const auto first = scheduler_.below(count);
        for (std::size_t i = 0; i < count; ++i) {
            const auto which = (first + i) % count;
            if (!(which == nodes_.size() ? run_street() : nodes_[which]->run_one())) continue;
            mix(which);
            ++out_.handlers;
            if (which < nodes_.size() && chance_.happens(fault::crash)) crash(*nodes_[which]);
            return true;
        }
        return false;
    }
    bool run_street() {
        street_.restart();
        return street_.poll_one() > 0;
    }
    void crash(node& n) {
        say(n.name() + " crashes");
        n.crash();
        shoppers_.spawn(street_.get_executor(), restart(this, &n, milliseconds(10 + scheduler_.below(8'000))));
    }
    static task<void> restart(world* w, node* n, milliseconds after) {
        co_await w->street_clock_.sleep_for(after);
        if (n->is_up()) co_return;
        w->say(n->name() + " starts again");
        n->start();
    }

    // True once `done`; false at the limit.
    bool run_until(steady_point limit, const std::function<bool()>& done) {
        while (true) {
            while (run_one()) {
            }
            if (done()) return true;
            if (!time_.advance(limit)) return false;
            mix(static_cast<std::uint64_t>(time_.now().time_since_epoch().count()));
        }
    }

    // What still has something to do; empty: nothing.
    std::string busy() const {
        std::size_t sagas = 0, operations = 0;
        stores_.orders.sagas.each_committed([&](const auto&, const auto&) { ++sagas; });
        stores_.payments.operations.each_committed([&](const auto&, const auto& o) { operations += o.b.state != payment::operation_state::done ? 1 : 0; });
        if (shoppers_.size() + sagas + operations == 0) return {};
        return fmt::format("{} shoppers, {} sagas and {} payment operations", shoppers_.size(), sagas, operations);
    }

    node* find(role r) {
        std::vector<node*> up;
        for (auto& n : nodes_)
            if (n->has(r) && n->is_up()) up.push_back(n.get());
        return up.empty() ? nullptr : up[people_.below(up.size())];
    }

    // A call over the network: its answer may be lost with the node that works on it.
    template <class R>
    struct exchange {
        std::optional<result<R>> answer;
        std::shared_ptr<waiter> done = waiter::make();
    };
    // Its end wakes the caller, also when the node crashed before it began to serve.
    template <class R>
    struct hang_up {
        explicit hang_up(std::shared_ptr<exchange<R>> x) noexcept : of(std::move(x)) {}
        hang_up(hang_up&&) noexcept = default;
        hang_up& operator=(hang_up&&) = delete;
        ~hang_up() {
            if (of) of->done->wake();
        }
        std::shared_ptr<exchange<R>> of;
    };
    template <class R>
    static task<void> serve(hang_up<R> line, std::function<task<result<R>>()> work) {
        try {
            line.of->answer = co_await work();
        } catch (...) {
            line.of->answer = std::unexpected(current_error());
        }
    }
    template <class R>
    static task<result<R>> call(node* to, std::function<task<result<R>>()> work) {
        if (!to) co_return fail(code::unavailable, "NODE_DOWN", "nobody answers");
        const auto x = std::make_shared<exchange<R>>();
        to->spawn(serve(hang_up<R>(x), std::move(work)));
        co_await x->done->wait();
        if (!x->answer) co_return fail(code::unavailable, "CONNECTION_LOST", "the connection broke");
        co_return std::move(*x->answer);
    }
    // Asks again, under the same key, until there is an answer that says something.
    template <class R, class F>
    task<result<R>> insist(role r, F make) {
        result<R> last = fail(code::unavailable, "NEVER_TRIED", "");
        for (int tries = 0; tries < 200; ++tries) {
            auto* to = find(r);
            std::function<task<result<R>>()> work;
            if (to) work = [to, &make] { return make(to); };
            last = co_await call<R>(to, std::move(work));
            if (last || !is_retriable(last.error().code)) break;
            co_await street_clock_.sleep_for(milliseconds(200));
        }
        co_return last;
    }

    static rpc::context a_shopper(int n, std::string key) {
        rpc::context ctx;
        ctx.caller.kind = rpc::caller_kind::user;
        ctx.caller.id = uuid::named(fmt::format("shopper {}", n % 5));
        ctx.caller.scopes = {"orders.read", "orders.write"};
        ctx.idempotency_key = std::move(key);
        return ctx;
    }

    task<void> receive_stock() {
        for (int i = 0; i < skus; ++i) {
            const auto make = [i](node* to) { return receive_on(to, i); };
            co_await insist<bitvelocity::commerce::inventory::v1::Stock>(role::inventory, make);
        }
    }
    static task<result<bitvelocity::commerce::inventory::v1::Stock>> receive_on(node* to, int i) {
        bitvelocity::commerce::inventory::v1::ReceiveStockRequest r;
        r.set_sku(fmt::format("SKU-{}", i));
        r.set_quantity(i == 0 ? 12 : 60);  // the first one is hot and soon gone
        r.set_reference(fmt::format("delivery {}", i));
        rpc::context ctx = rpc::context::for_service("simulation");
        co_return co_await to->stock().served().receive_stock(ctx, std::move(r));
    }

    using placed = order::contract::Order;
    static task<result<placed>> place_on(node* to, int n, std::uint64_t taste) {
        order::contract::PlaceOrderRequest r;
        r.set_currency("GBP");
        r.set_payment_method(taste % 11 == 0 ? "card_capture_fails" : taste % 7 == 0 ? "card_declined" : "card_ok");
        for (int i = 0; i < skus; ++i) {
            if (((taste >> (8 + i)) & 1U) == 0 && i != static_cast<int>(taste % 2)) continue;
            auto& l = *r.add_lines();
            l.set_sku(fmt::format("SKU-{}", i));
            l.set_quantity(1 + static_cast<int>((taste >> (16 + 2 * i)) & 3U));
        }
        auto ctx = a_shopper(n, fmt::format("order {}", n));
        co_return co_await to->orders().served().place_order(ctx, std::move(r));
    }
    static task<result<placed>> cancel_on(node* to, int n, std::string id) {
        order::contract::CancelOrderRequest r;
        r.set_id(std::move(id));
        auto ctx = a_shopper(n, {});
        co_return co_await to->orders().served().cancel_order(ctx, std::move(r));
    }
    static task<result<placed>> return_on(node* to, int n, std::string id) {
        order::contract::ReturnOrderRequest r;
        r.set_id(std::move(id));
        auto ctx = a_shopper(n, fmt::format("return {}", n));
        co_return co_await to->orders().served().return_order(ctx, std::move(r));
    }

    static task<void> shop(world* w, int n, milliseconds when, std::uint64_t taste) {
        co_await w->street_clock_.sleep_for(when);
        const auto place = [n, taste](node* to) { return place_on(to, n, taste); };
        const auto first = co_await w->insist<placed>(role::orders, place);
        w->say(fmt::format("shopper {} placed: {}", n, first ? first->id() : first.error().reason));
        if (!first) co_return;
        const auto id = first->id();
        w->promised_.push_back(id);
        if (taste % 3 == 0) {  // a second click
            const auto again = co_await w->insist<placed>(role::orders, place);
            if (again && again->id() != id) w->out_.violations.push_back({"orders.once", id, "a repeat under its key became " + again->id()});
        }
        if (taste % 5 == 0) {
            co_await w->street_clock_.sleep_for(milliseconds(taste % 1'500));
            const auto c = co_await w->insist<placed>(role::orders, [n, id](node* to) { return cancel_on(to, n, id); });
            w->say(fmt::format("shopper {} cancels: {}", n, c ? "yes" : c.error().reason));
        } else if (taste % 5 == 1) {
            co_await w->street_clock_.sleep_for(seconds(5));
            const auto back = co_await w->insist<placed>(role::orders, [n, id](node* to) { return return_on(to, n, id); });
            w->say(fmt::format("shopper {} returns: {}", n, back ? "yes" : back.error().reason));
        }
    }

    // What a shopper was told is so.
    void check_promises() {
        for (const auto& id : promised_) {
            const auto parsed = order::order_id::parse(id);
            if (!parsed || !stores_.orders.events.committed({*parsed, 1})) out_.violations.push_back({"orders.kept", id, "was acknowledged and is lost"});
        }
    }

    outcome out_;
    stores stores_;
    timeline time_;
    chance chance_;
    seeded_rng scheduler_, people_;
    std::function<void(const std::string&)> trace_;
    std::vector<std::string> promised_;
    node_clock street_clock_{time_, microseconds(0)};
    scope shoppers_{"sim.shoppers"};
    asio::io_context street_{1};
    std::vector<std::unique_ptr<node>> nodes_;
};

}  // namespace

outcome run(std::uint64_t seed, std::function<void(const std::string&)> trace) {
    telemetry::set_sampling_ratio(0);
    telemetry::seed_span_ids(seed);
    auto w = std::make_unique<world>(seed, std::move(trace));
    return w->run();
}

}  // namespace bv::sim
