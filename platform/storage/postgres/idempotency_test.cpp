// Idempotency keys in a service's schema, as its role.
#include "platform/storage/postgres/idempotency.hpp"

#include <array>

#include <boost/asio/experimental/awaitable_operators.hpp>

#include "platform/storage/postgres/migrations.hpp"
#include "platform/storage/postgres/scratch.hpp"

namespace bv::pg {
namespace {

using namespace scratch;
using namespace asio::experimental::awaitable_operators;

constexpr std::array files{migration{"0001_shop.sql", "SELECT platform.create_idempotency_keys('{{schema}}');"}};

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
