#include "platform/cache/loading_cache.hpp"

#include <atomic>
#include <map>
#include <mutex>
#include <set>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "platform/core/error.hpp"
#include "platform/runtime/runtime.hpp"
#include "platform/runtime/scope.hpp"
#include "platform/testing/fake_clock.hpp"

namespace bv::cache {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::UnorderedElementsAre;
using texts = std::vector<std::string>;
using pointer = std::shared_ptr<const std::string>;

std::string name_of_test() { return ::testing::UnitTest::GetInstance()->current_test_info()->name(); }

// What the cache stands before: each load reads at once and answers a second later.
struct store {
    clock& c;
    std::map<std::string, std::string> rows{};
    std::vector<texts> loads{};
    std::exception_ptr broken{};

    static task<std::vector<pointer>> load(store* s, texts keys) {
        s->loads.push_back(keys);
        std::vector<pointer> out;
        for (const auto& k : keys) {
            const auto found = s->rows.find(k);
            out.push_back(found == s->rows.end() ? nullptr : std::make_shared<const std::string>(found->second));
        }
        const auto broken = s->broken;
        co_await s->c.sleep_for(1s);
        if (broken) std::rethrow_exception(broken);
        co_return out;
    }
};

struct caching : ::testing::Test {
    testing::fake_clock c;
    seeded_rng r{7};
    asio::io_context io;
    store db{c};
    std::optional<loading_cache<std::string>> cache;
    texts answers;  // in the order they came

    void make(options o = {}) {
        o.name = name_of_test();
        o.shards = 1;
        o.jitter = 0;
        cache.emplace(o, c, r, [this](texts keys) { return store::load(&db, std::move(keys)); }, [](const std::string& s) { return s.size(); });
    }
    void SetUp() override { make(); }

    static task<void> ask(caching* t, texts keys) {
        try {
            std::string all;
            for (const auto& p : co_await t->cache->get_many(keys)) all += (all.empty() ? "" : ",") + (p ? *p : std::string("none"));
            t->answers.push_back(all);
        } catch (...) {
            t->answers.push_back("error " + current_error().reason);
        }
    }
    void begin(texts keys) { asio::co_spawn(io, ask(this, std::move(keys)), asio::detached); }
    void begin(texts keys, asio::cancellation_signal& cancel) {
        asio::co_spawn(io, ask(this, std::move(keys)), asio::bind_cancellation_slot(cancel.slot(), asio::detached));
    }
    void pass(std::chrono::nanoseconds d) { c.run_for(io, d); }
    texts get(texts keys) {
        answers.clear();
        begin(std::move(keys));
        pass(2s);
        return answers;
    }
};

TEST_F(caching, loads_a_key_once_and_answers_from_memory_after) {
    db.rows["a"] = "1";
    EXPECT_THAT(get({"a"}), ElementsAre("1"));
    db.rows["a"] = "2";
    EXPECT_THAT(get({"a"}), ElementsAre("1"));
    EXPECT_THAT(db.loads, ElementsAre(texts{"a"}));
    const auto s = cache->stats();
    EXPECT_EQ(s.hits, 1u);
    EXPECT_EQ(s.misses, 1u);
    EXPECT_EQ(s.entries, 1u);
}

TEST_F(caching, callers_of_one_key_share_one_load) {
    db.rows["a"] = "1";
    for (int i = 0; i < 50; ++i) begin({"a"});
    pass(2s);
    EXPECT_EQ(answers, texts(50, "1"));
    EXPECT_EQ(db.loads.size(), 1u);
    EXPECT_EQ(cache->stats().shared_loads, 49u);
}

TEST_F(caching, many_keys_load_what_is_missing_in_one_call_and_join_what_is_loading) {
    db.rows = {{"a", "1"}, {"b", "2"}, {"c", "3"}, {"d", "4"}};
    get({"a"});
    answers.clear();
    begin({"b"});
    pass(500ms);
    begin({"d", "b", "a", "c", "d"});
    pass(2s);
    EXPECT_THAT(answers, ElementsAre("2", "4,2,1,3,4"));
    EXPECT_THAT(db.loads, ElementsAre(texts{"a"}, texts{"b"}, texts{"d", "c"}));
}

TEST_F(caching, two_callers_that_want_each_others_keys_both_get_them) {
    db.rows = {{"a", "1"}, {"b", "2"}};
    begin({"a", "b"});
    begin({"b", "a"});
    pass(2s);
    EXPECT_THAT(answers, UnorderedElementsAre("1,2", "2,1"));
    EXPECT_EQ(db.loads.size(), 1u);
}

TEST_F(caching, an_entry_is_loaded_again_after_its_time) {
    make({.ttl = 60s});
    db.rows["a"] = "1";
    get({"a"});
    db.rows["a"] = "2";
    pass(57s);
    EXPECT_THAT(get({"a"}), ElementsAre("1"));
    pass(3s);
    EXPECT_THAT(get({"a"}), ElementsAre("2"));
}

TEST_F(caching, times_are_spread_by_the_jitter) {
    std::optional<loading_cache<std::string>> spread;
    spread.emplace(options{.name = name_of_test(), .shards = 4, .ttl = 100s, .jitter = 0.5}, c, r,
                   [this](texts keys) { return store::load(&db, std::move(keys)); }, [](const std::string& s) { return s.size(); });
    cache.reset();
    texts keys;
    for (int i = 0; i < 100; ++i) db.rows["k" + std::to_string(i)] = "x";
    for (const auto& [k, v] : db.rows) keys.push_back(k);
    struct body {
        static task<void> all(loading_cache<std::string>* from, texts wanted) { co_await from->get_many(wanted); }
    };
    asio::co_spawn(io, body::all(&*spread, keys), asio::detached);
    pass(76s);
    asio::co_spawn(io, body::all(&*spread, keys), asio::detached);
    pass(2s);
    ASSERT_EQ(db.loads.size(), 2u);
    EXPECT_GT(db.loads[1].size(), 20u);
    EXPECT_LT(db.loads[1].size(), 80u);
}

TEST_F(caching, unknown_keys_are_remembered_for_a_short_time) {
    make({.absent_ttl = 10s});
    EXPECT_THAT(get({"x"}), ElementsAre("none"));
    EXPECT_THAT(get({"x"}), ElementsAre("none"));
    EXPECT_EQ(db.loads.size(), 1u);
    db.rows["x"] = "here";
    pass(10s);
    EXPECT_THAT(get({"x"}), ElementsAre("here"));
}

TEST_F(caching, an_invalidated_key_is_loaded_again) {
    get({"a"});
    db.rows["a"] = "created";
    cache->invalidate("a");
    EXPECT_THAT(get({"a"}), ElementsAre("created"));
    cache->clear();
    get({"a"});
    EXPECT_EQ(db.loads.size(), 3u);
}

// The load reads "old", then the row changes and is invalidated, then the load answers.
TEST_F(caching, a_load_that_began_before_an_invalidation_is_neither_joined_nor_kept) {
    db.rows["a"] = "old";
    begin({"a"});
    pass(500ms);
    db.rows["a"] = "new";
    cache->invalidate("a");
    begin({"a"});
    pass(2s);
    EXPECT_THAT(answers, ElementsAre("old", "new")) << "who asked before may see what was; who asks after must not";
    EXPECT_THAT(get({"a"}), ElementsAre("new"));
    EXPECT_EQ(db.loads.size(), 2u);
    EXPECT_EQ(cache->stats().stale_loads, 1u);
}

TEST_F(caching, clearing_voids_the_loads_in_hand_too) {
    db.rows["a"] = "old";
    begin({"a"});
    pass(500ms);
    db.rows["a"] = "new";
    cache->clear();
    pass(600ms);  // the stale load ends; nobody has asked again
    EXPECT_EQ(cache->stats().entries, 0u);
    EXPECT_THAT(get({"a"}), ElementsAre("new"));
}

TEST_F(caching, a_broken_load_fails_all_who_wait_and_is_not_remembered) {
    db.rows["a"] = "1";
    db.broken = std::make_exception_ptr(failure(code::unavailable, "STORE_AWAY", "away"));
    begin({"a"});
    begin({"a"});
    pass(2s);
    EXPECT_THAT(answers, ElementsAre("error STORE_AWAY", "error STORE_AWAY"));
    EXPECT_EQ(db.loads.size(), 1u);
    db.broken = {};
    EXPECT_THAT(get({"a"}), ElementsAre("1"));
}

TEST_F(caching, when_the_loading_caller_is_cancelled_another_loads) {
    db.rows["a"] = "1";
    asio::cancellation_signal cancel;
    begin({"a"}, cancel);
    begin({"a"});
    begin({"a"});
    pass(500ms);
    cancel.emit(asio::cancellation_type::terminal);
    pass(2s);
    ASSERT_EQ(answers.size(), 3u);
    EXPECT_THAT(answers[0], ::testing::StartsWith("error"));
    EXPECT_EQ(answers[1], "1");
    EXPECT_EQ(answers[2], "1");
    EXPECT_EQ(db.loads.size(), 2u);
}

TEST_F(caching, when_a_waiting_caller_is_cancelled_the_load_goes_on) {
    db.rows["a"] = "1";
    asio::cancellation_signal cancel;
    begin({"a"});
    begin({"a"}, cancel);
    pass(500ms);
    cancel.emit(asio::cancellation_type::terminal);
    pass(2s);
    ASSERT_EQ(answers.size(), 2u);
    EXPECT_EQ(answers[1], "1");
    EXPECT_EQ(db.loads.size(), 1u);
}

TEST_F(caching, entries_are_bounded_and_a_scan_does_not_push_out_what_is_used) {
    make({.max_entries = 10, .ttl = 1h, .absent_ttl = 1h});
    for (int i = 0; i < 5; ++i) get({"hot" + std::to_string(i)});
    for (int round = 0; round < 20; ++round) {
        for (int i = 0; i < 5; ++i) get({"hot" + std::to_string(i)});
        get({"cold" + std::to_string(round)});
        EXPECT_LE(cache->stats().entries, 10u);
    }
    const auto before = db.loads.size();
    for (int i = 0; i < 5; ++i) get({"hot" + std::to_string(i)});
    EXPECT_EQ(db.loads.size(), before) << "all hot entries are still there";
    EXPECT_GT(cache->stats().evictions, 0u);
}

TEST_F(caching, bytes_are_bounded_and_a_value_larger_than_the_room_is_not_kept) {
    make({.max_bytes = 10'000});
    db.rows["huge"] = std::string(20'000, 'x');
    get({"huge"});
    EXPECT_EQ(cache->stats().entries, 0u);
    for (int i = 0; i < 30; ++i) {
        const auto k = "k" + std::to_string(i);
        db.rows[k] = std::string(1'000, 'x');
        get({k});
        EXPECT_LE(cache->stats().bytes, 10'000u);
    }
    EXPECT_GE(cache->stats().entries, 7u);
}

// Across threads: versions only grow, each change is invalidated after it is made, and nobody who asks after an
// invalidation may see an older version.
struct shared_world {
    std::atomic<int> version{0}, announced{0}, stale_seen{0};
    std::optional<loading_cache<int>> cache;

    static task<std::vector<std::shared_ptr<const int>>> load(shared_world* w, texts keys) {
        std::vector<std::shared_ptr<const int>> out;
        const int now = w->version.load();
        co_await system_clock().sleep_for(50us);
        for (std::size_t i = 0; i < keys.size(); ++i) out.push_back(std::make_shared<const int>(now));
        co_return out;
    }
    static task<void> read(shared_world* w, int times) {
        for (int i = 0; i < times; ++i) {
            const int least = w->announced.load();
            const auto got = co_await w->cache->get("k");
            if (*got < least) ++w->stale_seen;
        }
    }
    static task<void> write(shared_world* w, int times) {
        for (int i = 1; i <= times; ++i) {
            w->version.store(i);
            w->cache->invalidate("k");
            w->announced.store(i);
            co_await system_clock().sleep_for(20us);
        }
    }
    static task<void> join(scope* s) { co_await s->join(); }
};

TEST(caching_across_cores, never_answers_with_what_was_invalidated_before_the_question) {
    runtime machine(3);
    machine.start();
    shared_world w;
    w.cache.emplace(options{.name = name_of_test()}, system_clock(), system_rng(),
                    [&w](texts keys) { return shared_world::load(&w, std::move(keys)); }, [](const int&) { return sizeof(int); });
    scope all("test");
    for (std::size_t core = 0; core < 2; ++core)
        for (int i = 0; i < 4; ++i) all.spawn(machine.context(core).get_executor(), shared_world::read(&w, 3'000));
    all.spawn(machine.context(2).get_executor(), shared_world::write(&w, 1'000));
    machine.block_on(shared_world::join(&all));
    EXPECT_EQ(w.stale_seen.load(), 0);
    const auto s = w.cache->stats();
    EXPECT_EQ(s.hits + s.misses + s.shared_loads, 24'000u);
    EXPECT_GT(s.shared_loads, 0u);
}

}  // namespace
}  // namespace bv::cache
