#include "sim/node.hpp"

#include <utility>

#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace bv::sim {
namespace {

// Sells everything at a price that follows from its name.
class price_list final : public order::catalogue {
public:
    task<result<std::vector<order::offer>>> find(rpc::context&, std::vector<std::string> skus, bv::currency) override {
        std::vector<order::offer> out;
        for (auto& s : skus) out.push_back({s, s, true, 100 + static_cast<std::int64_t>(s.back() - '0') * 50});
        co_return out;
    }
};

// Delivers some events twice: at least once is all that a log promises to a handler.
class repeating_log final : public events::log {
public:
    repeating_log(events::log& inner, chance& c) : inner_(inner), chance_(c) {}
    void subscribe(events::subscription s) override {
        s.handler = [this, h = std::move(s.handler)](storage::unit_of_work& uow, std::span<const events::event> batch) { return deliver(&h, &uow, batch); };
        inner_.subscribe(std::move(s));
    }
    task<void> start() override { return inner_.start(); }
    task<void> stop() override { return inner_.stop(); }
    [[nodiscard]] std::vector<events::subscription_status> status() const override { return inner_.status(); }
    void wake() noexcept override { inner_.wake(); }

private:
    task<void> deliver(const events::batch_handler* h, storage::unit_of_work* uow, std::span<const events::event> batch) {
        co_await (*h)(*uow, batch);
        if (chance_.happens(fault::redelivery)) co_await (*h)(*uow, batch);
    }
    events::log& inner_;
    chance& chance_;
};

}  // namespace

task<void> rough_link::pass(memory::leg l) {
    const auto slow = chance_.random().below(8);
    if (slow == 0)
        co_await clock_.sleep_for(microseconds(chance_.random().below(3'000)));
    else
        co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
    if (l == memory::leg::request && chance_.happens(fault::conflict)) throw memory::conflict("SERIALIZATION_FAILURE");
    if (l == memory::leg::request && chance_.happens(fault::request_lost))
        throw failure(code::unavailable, "DATABASE_UNAVAILABLE", "the connection to the database is lost");
    if (l == memory::leg::commit && chance_.happens(fault::commit_lost)) throw failure(code::unavailable, "COMMIT_UNKNOWN", "the commit was lost");
    if (l == memory::leg::answer && chance_.happens(fault::answer_lost)) throw failure(code::unavailable, "COMMIT_UNKNOWN", "the commit's answer was lost");
}

struct node::services {
    services(const std::set<role>& roles, stores& s, asio::any_io_executor home, clock& time, chance& c)
        : link(c, time), db(s.database, time, c.random(), link),
          real_log(std::vector<asio::any_io_executor>{home}, std::make_unique<events::memory_log_storage>(s.database, s.schemas, db, time), {}, time, c.random()),
          log(real_log, c) {
        const auto wake = [this] { log.wake(); };
        if (roles.contains(role::orders)) {
            order_outbox.emplace(s.schemas.of("orders"), "orders", time, wake);
            streams.emplace(s.orders);
            sagas.emplace(s.orders);
            projections.emplace(s.orders);
            orders.emplace(order::ports{home, {time, c.random(), db, *streams, *sagas, *projections, *order_outbox, order::options{}.times}, log, prices}, order::options{});
        }
        if (roles.contains(role::inventory)) {
            stock_outbox.emplace(s.schemas.of("inventory"), "inventory", time, wake);
            stock_store.emplace(s.stock, db, time);
            stock.emplace(inventory::ports{home, time, c.random(), db, *stock_store, *stock_outbox, log}, inventory::options{});
        }
        if (roles.contains(role::payment)) {
            payment_outbox.emplace(s.schemas.of("payment"), "payment", time, wake);
            payment_store.emplace(s.payments);
            at_provider.emplace(s.provider, c, home, time);
            payments.emplace(payment::ports{home, time, c.random(), db, *payment_store, *payment_outbox, log, *at_provider}, payment::service_options{});
            at_provider->call_back = [this](std::vector<std::string> keys) { payments->hurry(std::move(keys)); };
        }
    }

    rough_link link;
    memory::client db;
    events::embedded_log real_log;
    repeating_log log;
    price_list prices;
    std::optional<events::memory_outbox> order_outbox, stock_outbox, payment_outbox;
    std::optional<order::memory_event_store> streams;
    std::optional<order::memory_saga_store> sagas;
    std::optional<order::memory_projection_store> projections;
    std::optional<inventory::memory_stock_store> stock_store;
    std::optional<payment::memory_store> payment_store;
    std::optional<provider> at_provider;
    std::optional<order::wiring> orders;
    std::optional<inventory::wiring> stock;
    std::optional<payment::wiring> payments;
    scope calls{"sim.calls"};
};

node::node(std::string name, std::set<role> roles, stores& s, timeline& t, chance& c)
    : name_(std::move(name)), roles_(std::move(roles)), stores_(s), chance_(c),
      clock_(t, microseconds(static_cast<std::int64_t>(c.random().below(2'000'000)) - 1'000'000)) {}

node::~node() { crash(); }

void node::start() {
    io_ = std::make_unique<asio::io_context>(1);
    services_ = std::make_unique<services>(roles_, stores_, io_->get_executor(), clock_, chance_);
    stopped_ = false;
    spawn(start_all(services_.get()));
}

void node::crash() {
    io_.reset();
    services_.reset();
}

void node::stop() { spawn(stop_all(this)); }

bool node::run_one() {
    if (!io_) return false;
    io_->restart();
    return io_->poll_one() > 0;
}

void node::spawn(task<void> t) {
    if (services_) services_->calls.spawn(io_->get_executor(), std::move(t));
}

order::wiring& node::orders() { return *services_->orders; }
inventory::wiring& node::stock() { return *services_->stock; }
payment::wiring& node::payments() { return *services_->payments; }

task<void> node::start_all(services* s) {
    co_await s->log.start();
    if (s->stock) co_await s->stock->start();
    if (s->payments) co_await s->payments->start();
    if (s->orders) co_await s->orders->start();
}

task<void> node::stop_all(node* n) {
    auto* s = n->services_.get();
    if (s->orders) co_await s->orders->stop();
    if (s->payments) {
        co_await s->payments->stop();
        co_await s->at_provider->stop();
    }
    if (s->stock) co_await s->stock->stop();
    co_await s->log.stop();
    n->stopped_ = true;
}

}  // namespace bv::sim
