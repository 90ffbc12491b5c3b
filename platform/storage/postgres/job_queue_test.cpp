// Jobs and idempotency keys in a service's schema, as its role.
#include "platform/storage/postgres/job_queue.hpp"

#include <array>
#include <set>

#include <boost/asio/experimental/awaitable_operators.hpp>

#include "platform/storage/postgres/idempotency.hpp"
#include "platform/storage/postgres/migrations.hpp"
#include "platform/storage/postgres/scratch.hpp"

namespace bv::pg {
namespace {

using namespace scratch;
using namespace asio::experimental::awaitable_operators;

constexpr std::array files{migration{"0001_shop.sql", "SELECT platform.create_job_queue('{{schema}}');\nSELECT platform.create_idempotency_keys('{{schema}}');"}};

// A database with the schema shop, as the role bv_shop.
options shop() {
    static const auto one = [] {
        auto db = testing::postgres::instance().database("shop");
        db.migrate(std::array{migration_set{"platform", platform_migration_files()}, migration_set{"shop", files}});
        return db;
    }();
    return one.options("bv_shop");
}

#define SHOP_TEST(suite, name)                    \
    static task<void> suite##_##name(database&);  \
    TEST(suite, name) { with_database(suite##_##name, shop()); } \
    static task<void> suite##_##name(database& db)

new_job a_job(std::string_view name, int max_attempts = 3) { return {.id = uuid::named(name), .kind = "mail", .payload = std::string("\0\1", 2), .max_attempts = max_attempts}; }

task<bool> enqueue(database& db, job_queue& q, new_job j) {
    storage::transaction_options o;
    o.identity = storage::system_identity("service:shop", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
    co_return co_await db.transact(o, [&](storage::unit_of_work& uow) { return q.enqueue(uow, j); });
}
task<void> complete(database& db, job_queue& q, job j) {
    co_await db.run({}, [&](storage::unit_of_work& uow) { return q.complete(uow, j); });
}
task<bool> retry(database& db, job_queue& q, job j) {
    co_return co_await db.transact({}, [&](storage::unit_of_work& uow) { return q.retry(uow, j, "provider away"); });
}
task<bool> enqueue_then_throw(storage::unit_of_work& uow, job_queue& q) {
    co_await q.enqueue(uow, a_job("rolled back"));
    throw std::runtime_error("no");
}

SHOP_TEST(jobs, are_claimed_by_one_worker_and_gone_when_complete) {
    job_queue q(db, "shop", "claims");
    EXPECT_TRUE(co_await enqueue(db, q, a_job("claims 1")));
    EXPECT_FALSE(co_await enqueue(db, q, a_job("claims 1"))) << "the same id is the same job";
    EXPECT_TRUE(co_await enqueue(db, q, a_job("claims 2")));
    try {
        co_await db.run({}, [&](storage::unit_of_work& uow) { return ignore(enqueue_then_throw(uow, q)); });
    } catch (const std::runtime_error&) {
        // Expected: the job goes with its transaction.
    }
    EXPECT_EQ(co_await q.depth(), 2);
    const auto [mine, others] = co_await (q.claim(1) && q.claim(10));
    EXPECT_EQ(mine.size() + others.size(), 2U);
    std::set<uuid> ids;
    for (const auto& j : mine) ids.insert(j.id);
    for (const auto& j : others) ids.insert(j.id);
    EXPECT_EQ(ids.size(), 2U);
    const auto& j = others.at(0);
    EXPECT_EQ(j.kind, "mail");
    EXPECT_EQ(j.payload, std::string("\0\1", 2));
    EXPECT_EQ(j.attempt, 1);
    EXPECT_EQ(j.actor, "service:shop");
    EXPECT_FALSE(j.traceparent.empty());
    EXPECT_TRUE((co_await q.claim(10)).empty());
    for (const auto& claimed : mine) co_await complete(db, q, claimed);
    for (const auto& claimed : others) co_await complete(db, q, claimed);
    EXPECT_EQ(co_await q.depth(), 0);
}

SHOP_TEST(jobs, are_tried_again_and_die_after_their_last_attempt) {
    job_queue q(db, "shop", "retries", {.first_delay = milliseconds(0), .max_delay = milliseconds(0)});
    co_await enqueue(db, q, a_job("retries", 2));
    const auto first = co_await q.claim(1);
    EXPECT_TRUE(co_await retry(db, q, first.at(0)));
    const auto second = co_await q.claim(1);
    EXPECT_EQ(second.at(0).attempt, 2);
    EXPECT_FALSE(co_await retry(db, q, second.at(0)));
    EXPECT_TRUE((co_await q.claim(1)).empty());
    const auto dead = co_await q.dead(10);
    EXPECT_EQ(dead.at(0).last_error, "provider away");
    EXPECT_TRUE(co_await q.revive(dead.at(0).id));
    EXPECT_EQ((co_await q.claim(1)).at(0).attempt, 1);
}

SHOP_TEST(jobs, of_a_worker_that_is_too_slow_go_to_another_and_it_cannot_finish_them) {
    job_queue q(db, "shop", "leases", {.lease = milliseconds(0)});
    co_await enqueue(db, q, a_job("leases", 2));
    const auto slow = co_await q.claim(1);
    const auto quick = co_await q.claim(1);
    EXPECT_EQ(quick.at(0).id, slow.at(0).id);
    const auto e = co_await failure_of(complete(db, q, slow.at(0)));
    EXPECT_EQ(e.reason, "JOB_LEASE_LOST");
    EXPECT_TRUE((co_await q.claim(1)).empty()) << "two attempts were all";
    EXPECT_EQ((co_await q.dead(10)).size(), 1U);
}

SHOP_TEST(jobs, wait_for_their_time) {
    job_queue q(db, "shop", "later");
    auto later = a_job("later");
    later.delay = milliseconds(600'000);
    co_await enqueue(db, q, later);
    EXPECT_TRUE((co_await q.claim(1)).empty());
    EXPECT_EQ(co_await q.depth(), 1);
}

SHOP_TEST(idempotency, a_repeat_gets_the_first_answer_and_another_request_is_refused) {
    idempotency_store keys(db, "shop");
    EXPECT_EQ((co_await keys.claim("user:1", "k", "print")).value(), std::nullopt);
    EXPECT_EQ((co_await keys.claim("user:1", "k", "print")).error().reason, "IDEMPOTENCY_KEY_IN_USE");
    EXPECT_EQ((co_await keys.claim("user:1", "k", "other")).error().reason, "IDEMPOTENCY_KEY_REUSED");
    EXPECT_EQ((co_await keys.claim("user:2", "k", "other")).value(), std::nullopt) << "keys are the caller's own";
    co_await keys.finish("user:1", "k", {201, "application/json", std::string("{}\0", 3), "\"e\""});
    const auto again = (co_await keys.claim("user:1", "k", "print")).value();
    EXPECT_TRUE(again.has_value());
    EXPECT_EQ(again->status, 201);
    EXPECT_EQ(again->content_type, "application/json");
    EXPECT_EQ(again->body, std::string("{}\0", 3));
    EXPECT_EQ(again->etag, "\"e\"");
    EXPECT_EQ((co_await keys.claim("user:1", "k", "other")).error().code, code::invalid_argument);
    co_await keys.abandon("user:1", "k");
    EXPECT_TRUE((co_await keys.claim("user:1", "k", "print")).value().has_value()) << "an answer is not abandoned";
}

SHOP_TEST(idempotency, one_of_many_at_once_owns_the_key) {
    idempotency_store keys(db, "shop");
    const auto [a, b, c] = co_await (keys.claim("user:1", "race", "p") && keys.claim("user:1", "race", "p") && keys.claim("user:1", "race", "p"));
    EXPECT_EQ(int(a.has_value()) + int(b.has_value()) + int(c.has_value()), 1);
}

task<void> claim_and_note(idempotency_store& keys, std::string key, std::string print, std::vector<std::string>& outcomes) {
    const auto claimed = co_await keys.claim("user:1", key, print);
    outcomes.push_back(!claimed ? claimed.error().reason : *claimed ? (*claimed)->body : "owned");
    if (claimed && !*claimed) co_await keys.finish("user:1", key, {200, "text/plain", "answer of " + key, ""});
}

SHOP_TEST(idempotency, callers_at_the_same_time_are_told_apart) {
    idempotency_store keys(db, "shop");
    co_await keys.claim("user:1", "crowd answered", "p");
    co_await keys.finish("user:1", "crowd answered", {200, "text/plain", "first", ""});
    std::vector<std::string> leading, a, b, c, d;
    // The first flushes alone; the others travel together.
    co_await (claim_and_note(keys, "crowd 0", "p", leading) && claim_and_note(keys, "crowd 1", "p", a) && claim_and_note(keys, "crowd answered", "p", b) &&
              claim_and_note(keys, "crowd answered", "another", c) && claim_and_note(keys, "crowd 1", "another", d));
    EXPECT_EQ(leading.at(0), "owned");
    EXPECT_EQ(a.at(0), "owned");
    EXPECT_EQ(b.at(0), "first");
    EXPECT_EQ(c.at(0), "IDEMPOTENCY_KEY_REUSED");
    EXPECT_EQ(d.at(0), "IDEMPOTENCY_KEY_REUSED") << "of the same moment, under a key that another request just took";
    for (const std::string key : {"crowd 0", "crowd 1"}) EXPECT_EQ((co_await keys.claim("user:1", key, "p")).value()->body, "answer of " + key);
}

task<void> claim_or_note_why(idempotency_store& keys, std::string key, std::vector<std::string>& outcomes) {
    try {
        co_await claim_and_note(keys, std::move(key), "p", outcomes);
    } catch (const failure&) {
        outcomes.emplace_back("failed");
    }
}

SHOP_TEST(idempotency, one_that_cannot_be_stored_does_not_harm_those_that_travel_with_it) {
    idempotency_store keys(db, "shop");
    std::vector<std::string> leading, good, bad;
    co_await (claim_or_note_why(keys, "harm 0", leading) && claim_or_note_why(keys, "not UTF-8: \xff", bad) && claim_or_note_why(keys, "harm 1", good));
    EXPECT_EQ(leading.at(0), "owned");
    EXPECT_EQ(bad.at(0), "failed");
    EXPECT_EQ(good.at(0), "owned");
}

SHOP_TEST(idempotency, an_abandoned_or_crashed_claim_is_free_again) {
    idempotency_store keys(db, "shop");
    EXPECT_TRUE((co_await keys.claim("user:1", "abandoned", "p")).has_value());
    co_await keys.abandon("user:1", "abandoned");
    EXPECT_EQ((co_await keys.claim("user:1", "abandoned", "q")).value(), std::nullopt);

    idempotency_store crashed(db, "shop", {.lease = milliseconds(0)});
    EXPECT_TRUE((co_await crashed.claim("user:1", "crashed", "p")).has_value());
    EXPECT_EQ((co_await crashed.claim("user:1", "crashed", "other")).error().reason, "IDEMPOTENCY_KEY_REUSED");
    EXPECT_EQ((co_await crashed.claim("user:1", "crashed", "p")).value(), std::nullopt);
}

// Its request came twice, as the first was too slow for its lease: both end, and whoever asks again hears one of them only.
SHOP_TEST(idempotency, the_first_answer_stands) {
    idempotency_store keys(db, "shop", {.lease = milliseconds(0)});
    EXPECT_TRUE((co_await keys.claim("user:1", "twice", "p")).has_value());
    EXPECT_EQ((co_await keys.claim("user:1", "twice", "p")).value(), std::nullopt);
    co_await keys.finish("user:1", "twice", {201, "text/plain", "first", ""});
    co_await keys.finish("user:1", "twice", {201, "text/plain", "second", ""});
    EXPECT_EQ((co_await keys.claim("user:1", "twice", "p")).value()->body, "first");
}

SHOP_TEST(idempotency, old_keys_are_free_and_purged) {
    idempotency_store keys(db, "shop", {.keep = seconds(0)});
    co_await keys.claim("user:1", "old", "p");
    co_await keys.finish("user:1", "old", {200, "text/plain", "", ""});
    EXPECT_EQ((co_await keys.claim("user:1", "old", "another request")).value(), std::nullopt);
    EXPECT_GE(co_await keys.purge(), 1);
    EXPECT_EQ(co_await keys.purge(), 0);
}

}  // namespace
}  // namespace bv::pg
