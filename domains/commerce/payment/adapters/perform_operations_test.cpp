// The operation worker over the memory store and a provider that does what a test says, in virtual time.
#include "domains/commerce/payment/app/perform_operations.hpp"

#include <deque>

#include <gmock/gmock.h>

#include "domains/commerce/payment/adapters/handing_transactor.hpp"
#include "domains/commerce/payment/adapters/memory_store.hpp"
#include "platform/events/memory_log_storage.hpp"
#include "platform/runtime/runtime.hpp"
#include "platform/testing/fake_clock.hpp"

namespace bv::payment {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;
using enum payment_status;

constexpr auto gbp = "GBP"_cur;

class scripted_provider final : public provider {
public:
    void submit(std::vector<provider_call> calls) override {
        for (auto& c : calls) sent.push_back(std::move(c));
    }
    task<std::vector<provider_answer>> answers(std::size_t, steady_point) override { co_return std::exchange(ready, {}); }
    void wake() noexcept override {}
    task<std::vector<provider_record>> list(std::int64_t, int) override { co_return std::vector<provider_record>{}; }
    task<provider_totals> totals() override { co_return provider_totals{}; }

    // Answers the call that was sent last.
    void answer(answer_kind kind, outcome o = {}) { ready.push_back({.key = sent.back().key, .kind = kind, .outcome = std::move(o), .sequence = 1}); }

    std::vector<provider_call> sent;
    std::vector<provider_answer> ready;
};

// Fails as often as it is told to, before anything is done.
class failing_transactor final : public storage::transactor {
public:
    explicit failing_transactor(storage::transactor& inner) : inner_(inner) {}
    task<void> run(storage::transaction_options o, std::function<task<void>(storage::unit_of_work&)> work) override {
        if (failures > 0) {
            --failures;
            throw failure(code::unavailable, "STORE_AWAY", "on purpose");
        }
        co_await inner_.run(std::move(o), std::move(work));
    }
    int failures = 0;

private:
    storage::transactor& inner_;
};

class operation_worker_test : public ::testing::Test {
protected:
    operation_worker_test() { machine_.start(); }

    order_id request(std::string_view name, std::string method = "card_ok") {
        const order_id o{uuid::named(name)};
        const auto d = open({o, {}, {1000, gbp}, std::move(method)});
        changes c{.opened = {d.next}, .operations = {{d.operations.front(), clock_.now(), ""}}};
        const storage::transaction_options as{.identity = storage::system_identity("test")};
        machine_.block_on(database_.run(as, [&](storage::unit_of_work& uow) { return store_.save(uow, c, clock_.now()); }));
        worker_->wake();
        return o;
    }
    void step() { machine_.block_on(worker_->step()); }
    void pass(std::chrono::nanoseconds d) { clock_.advance(d); }
    payment find(order_id o) {
        const storage::transaction_options as{.identity = storage::system_identity("test")};
        return machine_.block_on(database_.transact(as, [&](storage::unit_of_work& uow) { return store_.find(uow, payment_of(o)); }))->value;
    }
    void new_worker(worker_options o = {}) { worker_ = std::make_unique<operation_worker>(clock_, rng_, flaky_, store_, outbox_, provider_, o); }

    runtime machine_{1};
    bv::testing::fake_clock clock_;
    seeded_rng rng_{1};
    memory::database store_database_;
    memory::client database_{store_database_, system_clock(), rng_};
    memory_books books_;
    failing_transactor flaky_{database_};
    memory_store store_{books_};
    events::memory_schema schema_;
    events::memory_outbox outbox_{schema_, "payment", clock_};
    scripted_provider provider_;
    std::unique_ptr<operation_worker> worker_ = std::make_unique<operation_worker>(clock_, rng_, flaky_, store_, outbox_, provider_);
};

TEST_F(operation_worker_test, sends_an_operation_once_and_applies_its_answer_once) {
    const auto o = request("a");
    step();
    step();
    ASSERT_THAT(provider_.sent, SizeIs(1));
    EXPECT_FALSE(provider_.sent[0].ask);
    EXPECT_EQ(provider_.sent[0].key, "authorise:" + payment_of(o).str());
    EXPECT_EQ(provider_.sent[0].amount, (money{1000, gbp}));
    provider_.answer(answer_kind::settled, {.done = true, .reference = "pa_1"});
    provider_.answer(answer_kind::settled, {.done = true, .reference = "pa_1"});
    step();
    EXPECT_EQ(find(o).status, authorised);
    EXPECT_EQ(find(o).provider_reference, "pa_1");
    EXPECT_EQ(schema_.drawn, 1);
    EXPECT_EQ(worker_->in_flight(), 0U);
}

TEST_F(operation_worker_test, asks_for_what_is_in_doubt_and_sends_again_only_what_was_never_seen) {
    const auto o = request("a");
    step();
    provider_.answer(answer_kind::in_doubt);
    step();
    EXPECT_THAT(provider_.sent, SizeIs(1));  // not before its time
    pass(seconds(1));
    step();
    ASSERT_THAT(provider_.sent, SizeIs(2));
    EXPECT_TRUE(provider_.sent[1].ask);
    provider_.answer(answer_kind::not_seen);
    step();
    step();
    ASSERT_THAT(provider_.sent, SizeIs(3));
    EXPECT_FALSE(provider_.sent[2].ask);
    EXPECT_EQ(provider_.sent[2].key, provider_.sent[0].key);
    EXPECT_EQ(find(o).status, authorising);
}

TEST_F(operation_worker_test, sends_what_was_surely_not_handled_again_after_a_pause) {
    request("a");
    step();
    provider_.answer(answer_kind::not_sent);
    step();
    request("b");
    step();
    EXPECT_THAT(provider_.sent, SizeIs(1));  // holds back while the provider is away
    pass(seconds(1));
    step();
    ASSERT_THAT(provider_.sent, SizeIs(3));
    for (const auto& c : provider_.sent) EXPECT_FALSE(c.ask);
}

TEST_F(operation_worker_test, asks_for_what_another_worker_left_in_flight) {
    request("a");
    step();
    new_worker();
    step();
    EXPECT_THAT(provider_.sent, SizeIs(1));  // its lease runs
    pass(seconds(7));
    step();
    ASSERT_THAT(provider_.sent, SizeIs(2));
    EXPECT_TRUE(provider_.sent[1].ask);
}

TEST_F(operation_worker_test, a_lease_that_runs_out_under_its_own_call_sends_nothing_twice) {
    request("a");
    step();
    pass(seconds(7));
    step();
    EXPECT_THAT(provider_.sent, SizeIs(1));
}

TEST_F(operation_worker_test, a_hint_brings_the_question_forward_but_not_while_the_call_is_under_way) {
    request("a");
    step();
    const auto key = provider_.sent[0].key;
    worker_->hurry({key});
    step();
    EXPECT_THAT(provider_.sent, SizeIs(1));
    provider_.answer(answer_kind::in_doubt);
    step();
    worker_->hurry({key, "no such key"});
    step();
    ASSERT_THAT(provider_.sent, SizeIs(2));
    EXPECT_TRUE(provider_.sent[1].ask);
}

TEST_F(operation_worker_test, keeps_its_answers_while_the_store_is_away) {
    const auto o = request("a");
    step();
    provider_.answer(answer_kind::settled, {.done = true, .reference = "pa_1"});
    flaky_.failures = 2;
    EXPECT_THROW(step(), failure);
    EXPECT_THROW(step(), failure);
    EXPECT_EQ(find(o).status, authorising);
    step();
    EXPECT_EQ(find(o).status, authorised);
}

TEST_F(operation_worker_test, takes_no_more_than_it_may_have_in_flight) {
    new_worker({.max_batch = 3, .max_in_flight = 4});
    for (const auto* name : {"a", "b", "c", "d", "e", "f"}) request(name);
    for (int i = 0; i < 4; ++i) step();
    EXPECT_THAT(provider_.sent, SizeIs(4));
    for (std::size_t i = 0; i < 2; ++i) provider_.ready.push_back({.key = provider_.sent[i].key, .kind = answer_kind::settled, .outcome = {.reason = "no"}});
    step();
    EXPECT_THAT(provider_.sent, SizeIs(6));
}

// As the consumer stores requests: leased by the transaction, and given to the worker after its commit.
class handover_test : public operation_worker_test {
protected:
    order_id stored(std::string_view name) {
        const order_id o{uuid::named(name)};
        const auto d = open({o, {}, {1000, gbp}, "card_ok"});
        const storage::transaction_options as{.identity = storage::system_identity("test")};
        changes c{.opened = {d.next}, .operations = {{d.operations.front(), clock_.now(), ""}}};
        machine_.block_on(consumer_.run(as, [&](storage::unit_of_work& uow) {
            leased_.lease(c, clock_.now());
            return store_.save(uow, c, clock_.now());
        }));
        return o;
    }
    std::vector<claimed_operation> claimable() {
        const storage::transaction_options as{.identity = storage::system_identity("test")};
        return machine_.block_on(database_.transact(as, [&](storage::unit_of_work& uow) { return store_.claim(uow, clock_.now(), clock_.now() + seconds(5), 10); }));
    }

    handover leased_{*worker_};
    std::vector<handover::batch> given_;
    handing_transactor consumer_{flaky_, leased_, [this](handover::batch b) { given_.push_back(std::move(b)); }};
};

TEST_F(handover_test, an_operation_is_sent_after_its_commit_without_a_claim) {
    step();  // the worker has looked, and found nothing
    const auto o = stored("a");
    EXPECT_THAT(claimable(), IsEmpty());
    ASSERT_THAT(given_, SizeIs(1));
    worker_->take_over(std::move(given_[0].operations), given_[0].places);
    ASSERT_THAT(provider_.sent, SizeIs(1));
    EXPECT_FALSE(provider_.sent[0].ask);
    provider_.answer(answer_kind::settled, {.done = true, .reference = "pa_1"});
    step();
    EXPECT_EQ(find(o).status, authorised);
    EXPECT_EQ(worker_->in_flight(), 0u);
    EXPECT_EQ(worker_->reserve(1'000), worker_options{}.max_in_flight) << "all places are free again";
}

TEST_F(handover_test, what_was_never_handed_over_is_asked_for_when_its_lease_ends) {
    step();
    stored("a");
    given_.clear();  // as if the process had died between the commit and the call
    pass(worker_options{}.lease + seconds(1));
    step();
    ASSERT_THAT(provider_.sent, SizeIs(1));
    EXPECT_TRUE(provider_.sent[0].ask);
}

TEST_F(handover_test, nothing_is_handed_over_when_the_transaction_fails) {
    flaky_.failures = 1;
    EXPECT_THROW(stored("a"), failure);
    EXPECT_THAT(given_, IsEmpty());
    const storage::transaction_options as{.identity = storage::system_identity("test")};
    EXPECT_THROW(machine_.block_on(consumer_.run(as,
                                                 [&](storage::unit_of_work&) -> task<void> {
                                                     const auto d = open({{uuid::named("b")}, {}, {1000, gbp}, "card_ok"});
                                                     changes c{.opened = {d.next}, .operations = {{d.operations.front(), clock_.now(), ""}}};
                                                     leased_.lease(c, clock_.now());
                                                     throw failure(code::unavailable, "STORE_AWAY", "on purpose");
                                                 })),
                 failure);
    EXPECT_THAT(given_, IsEmpty());
    EXPECT_EQ(worker_->reserve(1'000), worker_options{}.max_in_flight);
}

TEST_F(handover_test, what_the_worker_has_no_place_for_waits_for_its_claim) {
    const int all = worker_->reserve(1'000);
    stored("a");
    ASSERT_THAT(given_, SizeIs(1));
    EXPECT_TRUE(given_[0].more);
    EXPECT_THAT(given_[0].operations, IsEmpty());
    worker_->release(all);
    worker_->wake();
    step();
    EXPECT_THAT(provider_.sent, SizeIs(1));
}

TEST_F(operation_worker_test, a_rejected_operation_is_tried_again_and_reported) {
    const auto o = request("a");
    step();
    provider_.answer(answer_kind::rejected, {.reason = "UNAUTHENTICATED"});
    step();
    EXPECT_EQ(find(o).status, authorising);
    const storage::transaction_options as{.identity = storage::system_identity("test")};
    const auto found = machine_.block_on(database_.transact(as, [&](storage::unit_of_work& uow) { return store_.findings(uow, 10); }));
    ASSERT_THAT(found, SizeIs(1));
    EXPECT_EQ(found[0].kind, "rejected");
    pass(seconds(31));
    step();
    EXPECT_THAT(provider_.sent, SizeIs(2));
}

}  // namespace
}  // namespace bv::payment
