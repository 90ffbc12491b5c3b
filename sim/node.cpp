#include "sim/node.hpp"

#include <utility>

#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "domains/commerce/notification/app/deliver_mail.hpp"
#include "domains/commerce/notification/app/tell_buyers.hpp"
#include "platform/runtime/signal.hpp"
#include "sim/rough_log.hpp"

namespace bv::sim {
task<void> rough_link::pass(memory::leg l) {
    const auto slow = chance_.random().below(8);
    if (slow == 0)
        co_await clock_.sleep_for(microseconds(chance_.random().below(3'000)));
    else
        co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
    if (l != memory::leg::answer && chance_.happens(fault::slow_database)) co_await clock_.sleep_for(milliseconds(10 + chance_.random().below(600)));
    if (l == memory::leg::request && chance_.happens(fault::conflict)) throw memory::conflict("SERIALIZATION_FAILURE");
    if (l == memory::leg::request && chance_.happens(fault::request_lost))
        throw failure(code::unavailable, "DATABASE_UNAVAILABLE", "the connection to the database is lost");
    if (l == memory::leg::commit && chance_.happens(fault::commit_lost)) throw failure(code::unavailable, "COMMIT_UNKNOWN", "the commit was lost");
    if (l == memory::leg::answer && chance_.happens(fault::answer_lost)) throw failure(code::unavailable, "COMMIT_UNKNOWN", "the commit's answer was lost");
}

struct node::services {
    services(node& n, asio::any_io_executor home)
        : link(n.chance_, n.clock_), db(n.stores_.database, n.clock_, n.chance_.random(), link), leases(db, n.stores_.leases, n.clock_),
          turn{.owner = n.name() + "/" + std::to_string(++n.starts_), .life = lease_life, .is_gone = {}},
          real_log(std::vector<asio::any_io_executor>{home},
                   std::make_unique<rough_storage>(std::make_unique<events::memory_log_storage>(n.stores_.database, n.stores_.schemas, db, n.clock_), n.chance_),
                   {.ring = {.events = ring}, .leases = turn}, n.clock_, n.chance_.random()),
          log(real_log, n.chance_, n.clock_), prices(n.stores_.prices) {
        if (n.has(role::orders)) add_orders(n, home);
        if (n.has(role::inventory)) add_inventory(n, home);
        if (n.has(role::payment)) add_payment(n, home);
        if (n.has(role::notification)) add_notification(n, home);
        log.subscribe(tally(n.stores_.tally, "orders", db, leases));
    }

    void add_orders(node& n, const asio::any_io_executor& home) {
        auto& random = n.chance_.random();
        order_outbox.emplace(n.stores_.schemas.of("orders"), "orders", n.clock_, [this] { log.wake(); });
        streams.emplace(n.stores_.orders);
        sagas.emplace(n.stores_.orders);
        projections.emplace(n.stores_.orders);
        order::options o;
        o.turn = turn;
        orders.emplace(order::ports{home, {n.clock_, random, db, *streams, *sagas, *projections, *order_outbox, o.times}, log, prices, leases}, o);
    }
    void add_inventory(node& n, const asio::any_io_executor& home) {
        stock_outbox.emplace(n.stores_.schemas.of("inventory"), "inventory", n.clock_, [this] { log.wake(); });
        stock_store.emplace(n.stores_.stock, db, n.clock_);
        inventory::options o;
        o.reservations.hold = n.hold_;
        o.turn = turn;
        if (n.hold_ < o.expiry_interval) o.expiry_interval = seconds(1);
        stock.emplace(inventory::ports{home, n.clock_, n.chance_.random(), db, *stock_store, *stock_outbox, log, leases}, o);
    }
    void add_payment(node& n, const asio::any_io_executor& home) {
        payment_outbox.emplace(n.stores_.schemas.of("payment"), "payment", n.clock_, [this] { log.wake(); });
        payment_store.emplace(n.stores_.payments);
        at_provider.emplace(n.stores_.provider, n.chance_, home, n.clock_, n.far_);
        payments.emplace(payment::ports{home, n.clock_, n.chance_.random(), db, *payment_store, *payment_outbox, log, *at_provider, leases},
                         payment::service_options{.turn = turn});
        at_provider->call_back = [this](std::vector<std::string> keys) { payments->hurry(std::move(keys)); };
    }
    void add_notification(node& n, const asio::any_io_executor& home) {
        notices.emplace(n.stores_.notices, db);
        mails.emplace(n.stores_.mails, db, mail_rules, n.clock_);
        post.emplace(n.stores_.arrived, n.chance_, n.clock_);
        deliver.emplace(db, *notices, *mails, addresses, *post, n.clock_, notification::delivery_options{.batch = 20, .patience = lease_life / 2});
        mail_work = std::make_shared<signal>(home, n.clock_);
        tell.emplace(*notices, *mails, n.clock_);
        events::subscription s{.group = "notification", .source = "orders", .types = notification::tell_buyers::types()};
        s.handler = [this](storage::unit_of_work& uow, std::span<const events::event> batch) { return (*tell)(uow, batch); };
        s.store = &db;
        s.leases = &leases;
        s.consumer = "notification";
        log.subscribe(std::move(s));
    }

    // As the module's own: what breaks is tried again.
    static task<void> deliver_all(services* s) {
        while (!s->mails_end) {
            bool more = false;
            try {
                more = co_await (*s->deliver)();
            } catch (const failure&) {
                // The database is away, or its answer was lost: what was claimed is due again after its lease.
            }
            if (!more && !s->mails_end) co_await s->mail_work->wait_for(milliseconds(200));
        }
    }

    // A lease that a node which stands still outlasts; more attempts than crashes may cost.
    inline static const jobs::policy mail_rules{.lease = milliseconds(4'000), .attempts = 30, .delays = {milliseconds(500), milliseconds(2'000)}};
    static constexpr std::size_t ring = 32;  // events kept in memory: consumers that fall behind read the table
    static constexpr milliseconds lease_life{4'000};  // a node that crashed is followed within a storm

    rough_link link;
    memory::client db;
    memory::lease_store leases;
    const storage::lease_terms turn;
    events::embedded_log real_log;
    rough_log log;
    shop_window prices;
    std::optional<events::memory_outbox> order_outbox, stock_outbox, payment_outbox;
    std::optional<order::memory_event_store> streams;
    std::optional<order::memory_saga_store> sagas;
    std::optional<order::memory_projection_store> projections;
    std::optional<inventory::memory_stock_store> stock_store;
    std::optional<payment::memory_store> payment_store;
    std::optional<notification::memory_notification_store> notices;
    std::optional<jobs::memory_job_queue> mails;
    std::optional<notification::tell_buyers> tell;
    address_book addresses;
    std::optional<mail_server> post;
    std::optional<notification::deliver_mail> deliver;
    std::shared_ptr<signal> mail_work;
    bool mails_end = false;
    scope mailing{"sim.mails"};
    std::optional<provider> at_provider;
    std::optional<order::wiring> orders;
    std::optional<inventory::wiring> stock;
    std::optional<payment::wiring> payments;
    scope calls{"sim.calls"};
};

namespace {

microseconds a_skew(rng& r, microseconds most) {
    return microseconds(static_cast<std::int64_t>(r.below(2 * static_cast<std::uint64_t>(most.count()) + 1))) - most;
}

}  // namespace

node::node(node_plan p, seconds hold, stores& s, timeline& t, chance& c, later far)
    : plan_(std::move(p)), hold_(hold), stores_(s), chance_(c), far_(std::move(far)), clock_(t, a_skew(c.random(), seconds(1))) {}

void node::set_clock(bool wrong) {
    auto& r = chance_.random();
    clock_.set_skew(!wrong ? a_skew(r, seconds(1)) : r.below(24) == 0 ? a_skew(r, seconds(1'200)) : a_skew(r, seconds(80)));
}

node::~node() { crash(); }

void node::start() {
    io_ = std::make_unique<asio::io_context>(1);
    services_ = std::make_unique<services>(*this, io_->get_executor());
    stopped_ = false;
    spawn(start_all(services_.get()));
}

void node::crash() {
    stands_still_ = false;
    io_.reset();
    services_.reset();
}

void node::stop() { spawn(stop_all(this)); }

bool node::run_one() {
    if (!io_ || stands_still_) return false;
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
    if (s->deliver) s->mailing.spawn(co_await asio::this_coro::executor, services::deliver_all(s));
}

task<void> node::stop_all(node* n) {
    auto* s = n->services_.get();
    if (s->deliver) {
        s->mails_end = true;
        s->mail_work->notify();
        co_await s->mailing.join();
    }
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
