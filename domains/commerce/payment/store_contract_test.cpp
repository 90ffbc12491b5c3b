// What every store must do, whatever keeps it.
#include <memory>

#include <gmock/gmock.h>

#include "domains/commerce/payment/adapters/memory_store.hpp"
#include "domains/commerce/payment/adapters/postgres_store.hpp"
#include "domains/commerce/payment/testing/migrations.hpp"
#include "platform/runtime/runtime.hpp"

namespace bv::payment {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using enum payment_status;

constexpr auto gbp = "GBP"_cur;
constexpr time_point t0{std::chrono::sys_days(std::chrono::year(2026) / 1 / 1)};
const storage::identity everyone = storage::system_identity("test");

struct in_memory {
    explicit in_memory(runtime&) {}
    memory::database database;
    memory_books books;
    memory::client db{database, system_clock(), system_rng()};
    memory_store store{books};
};

struct in_postgres {
    explicit in_postgres(runtime& r) : machine(r) {}
    ~in_postgres() { machine.block_on(db.close()); }
    runtime& machine;
    bv::testing::test_database database = testing::migrated_database();
    pg::database db{database.options("bv_payment"), system_clock()};
    postgres_store store;
};

template <class Backend>
class store_contract : public ::testing::Test {
protected:
    store_contract() {
        machine_.start();
        backend_ = std::make_unique<Backend>(machine_);
    }

    template <class F>
    auto in_transaction(F work, storage::identity who = everyone) {
        return machine_.block_on(run(backend_.get(), std::move(work), std::move(who)));
    }
    template <class F>
    static auto run(Backend* b, F work, storage::identity who) -> std::invoke_result_t<F&, storage::unit_of_work&> {
        const storage::transaction_options as{.identity = std::move(who)};
        co_return co_await b->db.transact(as, std::move(work));
    }
    void save(changes c, time_point now = t0) {
        in_transaction([&](storage::unit_of_work& uow) { return backend_->store.save(uow, c, now); });
    }
    auto claim(time_point now, int limit = 10) {
        return in_transaction([&](storage::unit_of_work& uow) { return backend_->store.claim(uow, now, now + seconds(5), limit); });
    }
    static task<void> save_and_fail(store* s, storage::unit_of_work* uow, changes c) {
        co_await s->save(*uow, c, t0);
        throw failure(code::internal, "ON_PURPOSE", "to roll back");
    }

    static payment a_payment(std::string_view order, customer_id customer = {uuid::named("c")}) {
        const order_id o{uuid::named(order)};
        return open({o, customer, {1000, gbp}, "card_ok"}).next;
    }
    static new_operation an_operation(const payment& p, time_point due = t0, operation_kind kind = operation_kind::authorise) {
        return {{p.id, kind, operation_key(p.id, kind, "r1"), 1000, kind == operation_kind::refund ? "r1" : ""}, due, "00-trace"};
    }

    runtime machine_{1};
    std::unique_ptr<Backend> backend_;
};

using backends = ::testing::Types<in_memory, in_postgres>;
TYPED_TEST_SUITE(store_contract, backends);

TYPED_TEST(store_contract, gives_back_what_was_saved) {
    auto p = this->a_payment("o1");
    p.status = captured;
    p.captured = 1000;
    p.refunded = 400;
    p.provider_reference = "pa_1";
    p.refunds = {{"r1", 400, refund_state::settled}, {"r2", 100, refund_state::requested}};
    this->save({.opened = {p}, .refunds = {{p.id, p.refunds[0]}, {p.id, p.refunds[1]}}});
    const auto unknown = this->a_payment("o2").id;
    const auto found = this->in_transaction([&](storage::unit_of_work& uow) { return this->backend_->store.lock(uow, {p.id, unknown}); });
    EXPECT_THAT(found, ElementsAre(p));

    p.status = refunded;
    p.refunded = 1000;
    p.refunds[1] = {"r2", 600, refund_state::settled};
    auto changed = p;
    changed.refunds[1].amount = 100;
    this->save({.payments = {p}, .refunds = {{p.id, p.refunds[1]}}}, t0 + seconds(1));
    const auto again = this->in_transaction([&](storage::unit_of_work& uow) { return this->backend_->store.find(uow, p.id); });
    EXPECT_EQ(again->value.status, refunded);
    EXPECT_EQ(again->value.refunds[1].state, refund_state::settled);
    EXPECT_EQ(again->created, t0);
    EXPECT_EQ(again->updated, t0 + seconds(1));
}

TYPED_TEST(store_contract, keeps_nothing_of_a_transaction_that_fails) {
    const auto p = this->a_payment("o1");
    const changes c{.opened = {p}, .operations = {this->an_operation(p)}, .bookings = {book_capture("k", p.id.value, {5, gbp})}};
    EXPECT_THROW(this->in_transaction([&](storage::unit_of_work& uow) { return this->save_and_fail(&this->backend_->store, &uow, c); }), failure);
    EXPECT_THAT(this->claim(t0), IsEmpty());
    EXPECT_THAT(this->in_transaction([&](storage::unit_of_work& uow) { return this->backend_->store.balances(uow); }), IsEmpty());
    EXPECT_FALSE(this->in_transaction([&](storage::unit_of_work& uow) { return this->backend_->store.find(uow, p.id); }));
}

TYPED_TEST(store_contract, leases_due_operations_longest_due_first) {
    const auto a = this->a_payment("a"), b = this->a_payment("b"), later = this->a_payment("later");
    this->save({.opened = {a, b, later},
                .operations = {this->an_operation(a, t0 + seconds(2)), this->an_operation(b, t0 + seconds(1)), this->an_operation(later, t0 + seconds(60))}});
    const auto first = this->claim(t0 + seconds(3), 1);
    ASSERT_THAT(first, SizeIs(1));
    EXPECT_EQ(first[0].op.payment, b.id);
    EXPECT_EQ(first[0].op, this->an_operation(b).op);
    EXPECT_EQ(first[0].was, operation_state::pending);
    EXPECT_EQ(first[0].attempts, 1);
    EXPECT_EQ(first[0].order, b.order);
    EXPECT_EQ(first[0].currency, gbp);
    EXPECT_EQ(first[0].method, "card_ok");
    EXPECT_EQ(first[0].traceparent, "00-trace");
    EXPECT_THAT(this->claim(t0 + seconds(3)), SizeIs(1));  // a
    EXPECT_THAT(this->claim(t0 + seconds(4)), IsEmpty());
    const auto lapsed = this->claim(t0 + seconds(9));
    ASSERT_THAT(lapsed, SizeIs(2));
    EXPECT_EQ(lapsed[0].was, operation_state::in_flight);
    EXPECT_EQ(lapsed[0].attempts, 2);
    EXPECT_EQ(this->in_transaction([&](storage::unit_of_work& uow) { return this->backend_->store.next_due(uow); }), t0 + seconds(14));
}

TYPED_TEST(store_contract, what_a_clock_that_had_jumped_ahead_put_off_is_due) {
    const auto a = this->a_payment("a"), b = this->a_payment("b");
    this->save({.opened = {a, b}, .operations = {this->an_operation(a, t0 + farthest_due), this->an_operation(b, t0 + farthest_due + seconds(1))}});
    const auto due = this->claim(t0);
    ASSERT_THAT(due, SizeIs(1));
    EXPECT_EQ(due[0].op.payment, b.id);
}

TYPED_TEST(store_contract, a_done_operation_stays_done) {
    const auto p = this->a_payment("o1");
    const auto o = this->an_operation(p);
    this->save({.opened = {p}, .operations = {o}});
    this->save({.updates = {{o.op.key, operation_state::done, {}, 7, true}}});
    this->save({.updates = {{o.op.key, operation_state::unknown, t0, 0}}});
    EXPECT_THAT(this->claim(t0 + seconds(100)), IsEmpty());
    const auto booked = this->in_transaction([&](storage::unit_of_work& uow) { return this->backend_->store.booked(uow, {o.op.key, "other"}); });
    ASSERT_THAT(booked, SizeIs(1));
    EXPECT_EQ(booked[0].state, operation_state::done);
    EXPECT_EQ(booked[0].provider_sequence, 7);
    EXPECT_TRUE(booked[0].succeeded);
    const auto between = [&](std::int64_t after, std::int64_t until) {
        return this->in_transaction([&](storage::unit_of_work& uow) { return this->backend_->store.booked_between(uow, after, until, 10); });
    };
    EXPECT_THAT(between(6, 7), SizeIs(1));
    EXPECT_THAT(between(7, 9), IsEmpty());
}

TYPED_TEST(store_contract, hurries_only_what_is_in_doubt) {
    const auto a = this->a_payment("a"), b = this->a_payment("b");
    const auto doubtful = this->an_operation(a), waiting = this->an_operation(b);
    this->save({.opened = {a, b}, .operations = {doubtful, waiting}});
    this->save({.updates = {{doubtful.op.key, operation_state::unknown, t0 + seconds(60)}, {waiting.op.key, operation_state::pending, t0 + seconds(60)}}});
    this->in_transaction([&](storage::unit_of_work& uow) { return this->backend_->store.hurry(uow, {doubtful.op.key, waiting.op.key, "x"}, t0); });
    const auto due = this->claim(t0);
    ASSERT_THAT(due, SizeIs(1));
    EXPECT_EQ(due[0].was, operation_state::unknown);
}

TYPED_TEST(store_contract, an_operation_that_is_stored_leased_is_in_flight_until_its_lease_ends) {
    const auto p = this->a_payment("o1");
    auto o = this->an_operation(p, t0 + seconds(6));
    o.leased = true;
    this->save({.opened = {p}, .operations = {o}});
    EXPECT_THAT(this->claim(t0 + seconds(5)), IsEmpty());
    const auto due = this->claim(t0 + seconds(6));
    ASSERT_THAT(due, SizeIs(1));
    EXPECT_EQ(due[0].was, operation_state::in_flight);
    EXPECT_EQ(due[0].attempts, 2);
}

TYPED_TEST(store_contract, refuses_an_operation_and_a_booking_that_exist) {
    const auto p = this->a_payment("o1");
    this->save({.opened = {p}, .operations = {this->an_operation(p)}, .bookings = {book_capture("k", p.id.value, {5, gbp})}});
    EXPECT_THROW(this->save({.opened = {p}}), failure);
    EXPECT_THROW(this->save({.operations = {this->an_operation(p)}}), failure);
    EXPECT_THROW(this->save({.bookings = {book_capture("k", p.id.value, {5, gbp})}}), failure);
}

TYPED_TEST(store_contract, lists_the_ledger_in_order_and_sums_it_up) {
    const auto p = this->a_payment("o1");
    this->save({.opened = {p}, .bookings = {book_capture("k1", p.id.value, {900, gbp}), book_refund("k2", p.id.value, {300, gbp})}});
    const auto list = [&](entry_filter f, std::int64_t after, storage::identity who = everyone) {
        return this->in_transaction([&](storage::unit_of_work& uow) { return this->backend_->store.entries(uow, f, after, 3); }, who);
    };
    const auto first = list({}, 0);
    ASSERT_THAT(first, SizeIs(3));
    EXPECT_EQ(first[0].amount.minor + first[1].amount.minor, 0);
    EXPECT_THAT(list({}, first[2].id), SizeIs(1));
    EXPECT_THAT(list({.account = "refunds"}, 0), SizeIs(1));
    EXPECT_THAT(list({.payment = payment_id{}}, 0), IsEmpty());
    EXPECT_THAT(list({}, 0, {.customer = uuid::named("c")}), IsEmpty());
    EXPECT_THAT(this->in_transaction([&](storage::unit_of_work& uow) { return this->backend_->store.balances(uow); }),
                ElementsAre(account_balance{"provider_clearing", {600, gbp}}, account_balance{"refunds", {300, gbp}}, account_balance{"sales", {-900, gbp}}));
}

TYPED_TEST(store_contract, lists_payments_newest_first_and_only_those_the_caller_may_see) {
    const customer_id ann{uuid::named("ann")}, bob{uuid::named("bob")};
    const auto old = this->a_payment("1", ann), recent = this->a_payment("2", ann), of_bob = this->a_payment("3", bob);
    this->save({.opened = {old}}, t0);
    this->save({.opened = {recent}}, t0 + seconds(1));
    this->save({.opened = {of_bob}}, t0 + seconds(2));
    const auto list = [&](payment_filter f, std::optional<page_position> after, storage::identity who) {
        std::vector<payment_id> ids;
        for (const auto& p : this->in_transaction([&](storage::unit_of_work& uow) { return this->backend_->store.list(uow, f, after, 2); }, who)) ids.push_back(p.value.id);
        return ids;
    };
    EXPECT_THAT(list({}, {}, everyone), ElementsAre(of_bob.id, recent.id));
    EXPECT_THAT(list({}, page_position{t0 + seconds(1), recent.id.value}, everyone), ElementsAre(old.id));
    EXPECT_THAT(list({}, {}, {.customer = ann.value}), ElementsAre(recent.id, old.id));
    EXPECT_THAT(list({.customer = ann}, {}, {.customer = bob.value}), IsEmpty());
    EXPECT_THAT(list({.status = declined}, {}, everyone), IsEmpty());
    EXPECT_THAT(list({}, {}, {}), IsEmpty());
}

TYPED_TEST(store_contract, keeps_one_finding_a_kind_and_key_and_how_far_it_compared) {
    const finding f{"amount_differs", "k", "ours 1, theirs 2", false};
    this->save({.findings = {f}});
    this->save({.findings = {f, {"unknown_at_ours", "k", "", false}}});
    EXPECT_THAT(this->in_transaction([&](storage::unit_of_work& uow) { return this->backend_->store.findings(uow, 10); }), SizeIs(2));
    const auto until = [&] { return this->in_transaction([&](storage::unit_of_work& uow) { return this->backend_->store.reconciled_until(uow); }); };
    EXPECT_EQ(until(), 0);
    for (const std::int64_t n : {9, 4})
        this->in_transaction([&](storage::unit_of_work& uow) { return this->backend_->store.set_reconciled_until(uow, n); });
    EXPECT_EQ(until(), 9);
}

}  // namespace
}  // namespace bv::payment
