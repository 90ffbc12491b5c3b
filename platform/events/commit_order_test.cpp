// Transactions that commit in another order than they drew their positions.
#include <gtest/gtest.h>

#include "platform/events/held_transaction.hpp"
#include "platform/events/pg_log_world.hpp"
#include "platform/telemetry/metrics.hpp"

namespace bv::events {
namespace {

using contract::count;
using contract::effects;
using contract::eventually;
using contract::publish;
using contract::running;
using contract::subscribed;

// What one writes at first: the rows after the last one seen.
class naive_reader {
public:
    explicit naive_reader(pg_log_world& w) : world_(w) {}
    void read() {
        static constexpr pg::statement next{"test.naive", "SELECT position, payload FROM maker.outbox WHERE position > $1 ORDER BY position"};
        for (auto row : world_.cores().block_on(world_.reader().query(next, pg::params(last_)))) {
            last_ = row.get<std::int64_t>(0);
            seen.push_back(row.get<pg::bytes>(1).data);
        }
    }
    std::vector<std::string> seen;

private:
    pg_log_world& world_;
    std::int64_t last_ = 0;
};

std::vector<std::string> payloads(pg_log_world& w, const std::string& group) {
    std::vector<std::string> out;
    for (const auto& e : effects(w, group)) out.push_back(e.payload);
    return out;
}
using list = std::vector<std::string>;

// The log has looked several times since.
void let_the_log_look() {
    auto& polls = telemetry::count(polls_metric, "");
    const auto before = polls.value();
    ASSERT_TRUE(eventually([&] { return polls.value() >= before + 4; }));
}

TEST(commit_order, a_slow_transaction_that_commits_late_is_not_skipped) {
    pg_log_world w;
    naive_reader naive(w);
    running log(w, {subscribed(w, "g")});

    held_transaction slow(w, {an_event("a", 1)});
    publish(w, {an_event("b", 1)});
    naive.read();
    let_the_log_look();
    EXPECT_EQ(payloads(w, "g"), list{});  // nobody knows yet what comes before b

    ASSERT_TRUE(slow.commit());
    publish(w, {an_event("b", 2)});
    naive.read();
    ASSERT_TRUE(eventually([&] { return count(w, "g") == 3; }));
    EXPECT_EQ(payloads(w, "g"), (list{"a:1", "b:1", "b:2"}));
    EXPECT_EQ(naive.seen, (list{"b:1", "b:2"})) << "the naive reader skips a:1; if it did not, this test would prove nothing";
}

TEST(commit_order, a_transaction_that_rolls_back_late_holds_nothing_back_for_ever) {
    pg_log_world w;
    running log(w, {subscribed(w, "g")});
    {
        held_transaction slow(w, {an_event("a", 1)});
        publish(w, {an_event("b", 1)});
        w.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'bv_maker' AND state = 'idle in transaction'");
        EXPECT_FALSE(slow.commit());
    }
    ASSERT_TRUE(eventually([&] { return count(w, "g") == 1; }));
    EXPECT_EQ(payloads(w, "g"), (list{"b:1"}));
}

// xmin = xmax in a snapshot does not say that nothing runs: xmax is the last *completed* id + 1.
TEST(commit_order, transactions_newer_than_every_completed_one_are_waited_for) {
    pg_log_world w;
    running log(w, {subscribed(w, "g")});
    publish(w, {an_event("z", 1)});
    ASSERT_TRUE(eventually([&] { return count(w, "g") == 1; }));

    held_transaction first(w, {an_event("a", 1)});
    held_transaction second(w, {an_event("b", 1)});
    EXPECT_EQ(w.number("SELECT count(*) FROM pg_current_snapshot() s WHERE pg_snapshot_xmin(s) = pg_snapshot_xmax(s)"), 1)
        << "the snapshot looks idle";
    EXPECT_EQ(w.number("SELECT next_xid - snapshot_xmin FROM platform.outbox_heads('{maker}')"), 2) << "the probe knows better";
    let_the_log_look();
    ASSERT_TRUE(second.commit());
    let_the_log_look();
    EXPECT_EQ(count(w, "g"), 1u);
    ASSERT_TRUE(first.commit());
    ASSERT_TRUE(eventually([&] { return count(w, "g") == 3; }));
    EXPECT_EQ(payloads(w, "g"), (list{"z:1", "a:1", "b:1"}));
}

// The horizon alone would wait for it: what has no gap before it is settled, whoever is at work.
TEST(commit_order, a_transaction_that_appends_nothing_holds_nothing_back) {
    pg_log_world w;
    running log(w, {subscribed(w, "g")});
    held_transaction unrelated(w, {});
    publish(w, {an_event("a", 1), an_event("b", 1)});
    publish(w, {an_event("a", 2)});
    ASSERT_TRUE(eventually([&] { return count(w, "g") == 3; }));
    EXPECT_EQ(payloads(w, "g"), (list{"a:1", "b:1", "a:2"}));
    EXPECT_GT(w.number("SELECT next_xid - snapshot_xmin FROM platform.outbox_heads('{maker}')"), 0) << "it is still at work";
    ASSERT_TRUE(unrelated.commit());
}

// Ordered by transaction id, the second event of the key would come first.
TEST(commit_order, the_order_of_a_key_holds_when_the_later_writer_began_earlier) {
    pg_log_world w;
    held_transaction early(w, {an_event("other", 1)});  // has its transaction id
    publish(w, {an_event("k", 1)});
    running log(w, {subscribed(w, "g")});
    let_the_log_look();
    early.then({an_event("k", 2)});  // goes on with the key, whose first event it has seen committed
    ASSERT_TRUE(early.commit());
    EXPECT_EQ(w.number("SELECT count(*) FROM maker.outbox a JOIN maker.outbox b ON a.key = b.key AND a.position < b.position AND a.tx > b.tx"), 1)
        << "the situation is as told";
    ASSERT_TRUE(eventually([&] { return count(w, "g") == 3; }));
    EXPECT_EQ(payloads(w, "g"), (list{"other:1", "k:1", "k:2"}));
}

TEST(commit_order, the_outbox_draws_its_transaction_id_before_its_position) {
    pg_log_world w;
    EXPECT_EQ(w.number(R"(
        SELECT count(*) FROM pg_attribute t JOIN pg_attribute p ON p.attrelid = t.attrelid
        WHERE t.attrelid = 'maker.outbox'::regclass AND t.attname = 'tx' AND p.attname = 'position' AND t.attnum < p.attnum)"), 1);
    EXPECT_EQ(w.number("SELECT seqcache FROM pg_sequence WHERE seqrelid = 'maker.outbox_position'::regclass"), 1);
}

}  // namespace
}  // namespace bv::events
