#include "platform/storage/redis/second_level.hpp"

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <gtest/gtest.h>

#include "platform/cache/leveled.hpp"
#include "platform/runtime/scope.hpp"
#include "platform/storage/redis/scratch.hpp"

namespace bv::redis {
namespace {

using namespace asio::experimental::awaitable_operators;
using namespace std::chrono_literals;
using scratch::eventually_in;
using state = cache::second_level::found::state;
using texts = std::vector<std::string>;

second_level_options named(std::string name) { return {.name = std::move(name), .prefix = "test:1:", .patience = 2'000ms}; }

// Two processes over one Redis, each with a client and a second level of its own.
struct world {
    explicit world(const scratch::server& s, asio::any_io_executor e)
        : first(scratch::to({s.at()}), system_clock(), system_rng()), second(scratch::to({s.at()}), system_clock(), system_rng()),
          here(named("here"), first, system_clock(), system_rng(), e), there(named("there"), second, system_clock(), system_rng(), e) {}
    client first, second;
    second_level here, there;
};

task<void> run_in_world(const scratch::server* s, task<void> (*body)(world&)) {
    world w(*s, co_await asio::this_coro::executor);
    co_await w.first.start();
    co_await w.second.start();
    co_await body(w);
    co_await w.here.stop();
    co_await w.there.stop();
    co_await w.first.stop();
    co_await w.second.stop();
}
void with_world(task<void> (*body)(world&)) {
    const scratch::server s;
    testing::run(run_in_world(&s, body));
}

task<cache::second_level::found> get(second_level& level, std::string key) {
    auto found = co_await level.get_many(texts{std::move(key)});
    co_return std::move(found.front());
}
task<void> put(second_level& level, std::string key, std::string claim, std::optional<std::string> bytes) {
    std::vector<cache::second_level::loaded> one{{std::move(key), std::move(claim), std::move(bytes)}};
    co_await level.put_many(std::move(one));
}

task<void> keeps_what_was_loaded(world& w) {
    auto miss = co_await get(w.here, "k");
    EXPECT_EQ(miss.is, state::missing);
    EXPECT_FALSE(miss.claim.empty());
    co_await put(w.here, "k", miss.claim, "value");
    const auto hit = co_await get(w.there, "k");
    EXPECT_EQ(hit.is, state::present);
    EXPECT_EQ(hit.bytes, "value");
    auto none = co_await get(w.here, "none");
    co_await put(w.here, "none", none.claim, std::nullopt);
    EXPECT_EQ((co_await get(w.there, "none")).is, state::absent);
    auto empty = co_await get(w.here, "empty");
    co_await put(w.here, "empty", empty.claim, "");
    EXPECT_EQ((co_await get(w.there, "empty")).is, state::present);
}

TEST(redis_second_level, keeps_what_one_process_loaded_for_all) {
    NEEDS_REDIS();
    with_world(keeps_what_was_loaded);
}

// The order of events that leaves an old value behind where values are simply set.
task<void> an_old_value_stays_out(world& w) {
    auto slow = co_await get(w.there, "k");  // and now it loads the old value, slowly
    w.here.invalidate("k");                   // which is changed meanwhile
    EXPECT_TRUE(co_await eventually_in([&w] { return [](second_level* l) -> task<bool> { co_return l->owed() == 0; }(&w.here); }));
    auto quick = co_await get(w.here, "k");
    EXPECT_FALSE(quick.claim.empty());
    co_await put(w.there, "k", slow.claim, "old");
    EXPECT_EQ((co_await w.first.call(command::on("test:1:k", "GET")))->text, "C0:" + quick.claim);  // it holds nothing but the claim of the quick one
    co_await put(w.here, "k", quick.claim, "new");
    co_await put(w.there, "k", slow.claim, "old");
    EXPECT_EQ((co_await get(w.there, "k")).bytes, "new");
}

TEST(redis_second_level, what_was_loaded_before_a_change_is_not_stored_after_it) {
    NEEDS_REDIS();
    with_world(an_old_value_stays_out);
}

task<void> load_slowly(world* w, std::string claim) {
    co_await system_clock().sleep_for(20ms);
    co_await put(w->here, "k", std::move(claim), "loaded once");
}
task<void> others_wait(world& w) {
    auto mine = co_await get(w.here, "k");
    scope loading("load");
    loading.spawn(co_await asio::this_coro::executor, load_slowly(&w, mine.claim));
    const auto theirs = co_await get(w.there, "k");
    EXPECT_EQ(theirs.is, state::present);
    EXPECT_EQ(theirs.bytes, "loaded once");
    co_await loading.join();
}

TEST(redis_second_level, one_process_loads_and_the_others_wait) {
    NEEDS_REDIS();
    with_world(others_wait);
}

// Both find nothing before either has claimed it.
task<void> one_claims(world& w) {
    const auto [mine, theirs] = co_await (get(w.here, "k") && get(w.there, "k"));
    EXPECT_NE(mine.claim.empty(), theirs.claim.empty());
}

TEST(redis_second_level, of_those_that_look_at_once_one_loads) {
    NEEDS_REDIS();
    with_world(one_claims);
}

task<void> waits_are_short(world& w) {
    (void)co_await get(w.here, "k");  // and dies
    const auto theirs = co_await get(w.there, "k");
    EXPECT_EQ(theirs.is, state::missing);
    EXPECT_TRUE(theirs.claim.empty());
}

TEST(redis_second_level, nobody_waits_long_for_a_process_that_died) {
    NEEDS_REDIS();
    with_world(waits_are_short);
}

task<bool> owes_nothing(second_level* l) { co_return l->owed() == 0; }
task<void> drops(second_level& l, std::string key, std::int64_t change) {
    l.drop(key, change);
    EXPECT_TRUE(co_await eventually_in([&l] { return owes_nothing(&l); }));
}
task<void> loads(second_level& l, std::string key, std::string value) {
    auto miss = co_await get(l, key);
    EXPECT_EQ(miss.is, state::missing);
    EXPECT_FALSE(miss.claim.empty());
    co_await put(l, key, miss.claim, value);
}

// Each process that hears of a change drops its key: the second must not drop what the first has loaded since.
task<void> drops_once(world& w) {
    co_await loads(w.here, "k", "old");
    co_await drops(w.here, "k", 7);
    co_await loads(w.here, "k", "new");
    co_await drops(w.there, "k", 7);
    EXPECT_EQ((co_await get(w.there, "k")).bytes, "new");
    co_await drops(w.there, "k", 6);  // and one that comes late
    EXPECT_EQ((co_await get(w.there, "k")).bytes, "new");
    co_await drops(w.there, "k", 8);
    co_await loads(w.there, "k", "newer");
}

TEST(redis_second_level, a_change_that_all_processes_hear_of_is_dropped_by_one) {
    NEEDS_REDIS();
    with_world(drops_once);
}

// What was dropped holds a load that began before, and no load that begins after.
task<void> a_drop_ends_claims(world& w) {
    auto slow = co_await get(w.there, "k");
    co_await drops(w.here, "k", 7);
    co_await put(w.there, "k", slow.claim, "old");
    EXPECT_EQ((co_await w.first.call(command::on("test:1:k", "GET")))->text, "D7:");
    co_await loads(w.here, "k", "new");
    co_await put(w.there, "k", slow.claim, "old");
    co_await drops(w.there, "k", 7);
    EXPECT_EQ((co_await get(w.there, "k")).bytes, "new");
}

TEST(redis_second_level, what_was_loaded_before_a_drop_is_not_stored_after_it) {
    NEEDS_REDIS();
    with_world(a_drop_ends_claims);
}

task<void> strange_values(world& w) {
    for (const auto* strange : {"Pold", "A", "P12", "Px:1", ":", "P:", "Z1:x"}) {
        co_await w.first.call(command::on("test:1:k", "SET", strange));
        const auto found = co_await get(w.here, "k");
        EXPECT_EQ(found.is, state::missing) << strange;
        EXPECT_TRUE(found.claim.empty()) << strange;
    }
}

TEST(redis_second_level, what_another_release_stored_is_read_past) {
    NEEDS_REDIS();
    with_world(strange_values);
}

// Whoever wrote reads what was written, also before Redis has heard of it.
task<void> reads_its_own_write(world& w) {
    auto miss = co_await get(w.here, "k");
    co_await put(w.here, "k", miss.claim, "old");
    w.here.invalidate("k");
    const auto at_once = co_await get(w.here, "k");
    EXPECT_EQ(at_once.is, state::missing);
    EXPECT_TRUE(at_once.claim.empty());
}

TEST(redis_second_level, a_writer_does_not_read_the_old_value) {
    NEEDS_REDIS();
    with_world(reads_its_own_write);
}

task<void> reads_past_what_it_owes(const scratch::server* one, bool* checked) {
    world w(*one, co_await asio::this_coro::executor);
    co_await w.first.start();
    co_await w.second.start();
    auto miss = co_await get(w.here, "k");
    co_await put(w.here, "k", miss.claim, "old");
    one->freeze();
    w.here.invalidate("k");
    const auto during = co_await get(w.here, "k");
    EXPECT_EQ(during.is, state::missing);
    EXPECT_TRUE(during.claim.empty());
    EXPECT_FALSE(co_await w.first.call(command::on("test:1:k", "GET")));  // the connection is given up, with all that was sent on it
    for (int turn = 0; turn < 100; ++turn) co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);  // everybody is told
    EXPECT_EQ(w.here.owed(), 1u);
    one->thaw();
    EXPECT_TRUE(co_await eventually_in([&w] { return [](second_level* l) -> task<bool> { co_return l->owed() == 0; }(&w.here); }));
    EXPECT_EQ((co_await get(w.there, "k")).is, state::missing);
    co_await w.here.stop();
    co_await w.there.stop();
    co_await w.first.stop();
    co_await w.second.stop();
    *checked = true;
}

TEST(redis_second_level, an_invalidation_that_does_not_get_through_is_sent_again_and_read_past_meanwhile) {
    NEEDS_REDIS();
    const scratch::server one;
    bool checked = false;
    testing::run(reads_past_what_it_owes(&one, &checked));
    EXPECT_TRUE(checked);
}

// What the second process heard, in order.
struct ear {
    std::string text;
    [[nodiscard]] cache::second_level::changes as_changes() {
        return {[this](std::string_view key) { text += std::string(key) + ' '; }, [this] { text += "anything "; }};
    }
};
task<bool> heard(const ear* e, std::string wanted) { co_return e->text == wanted; }

task<void> others_hear(const scratch::server* one) {
    world w(*one, co_await asio::this_coro::executor);
    ear own, theirs;
    w.here.watch(own.as_changes());
    w.there.watch(theirs.as_changes());
    for (auto* c : {&w.first, &w.second}) co_await c->start();
    for (auto* l : {&w.here, &w.there}) l->start();
    EXPECT_TRUE(co_await eventually_in([&] { return heard(&own, "anything "); }));
    EXPECT_TRUE(co_await eventually_in([&] { return heard(&theirs, "anything "); }));
    w.here.drop("c", 1);
    w.here.invalidate("a b");
    EXPECT_TRUE(co_await eventually_in([&] { return heard(&theirs, "anything a b "); }));
    EXPECT_EQ(own.text, "anything ");
    for (auto* l : {&w.here, &w.there}) co_await l->stop();
    for (auto* c : {&w.first, &w.second}) co_await c->stop();
}

TEST(redis_second_level, other_processes_hear_what_was_invalidated) {
    NEEDS_REDIS();
    const scratch::server one;
    testing::run(others_hear(&one));
}

task<void> hears_again(scratch::server* one) {
    world w(*one, co_await asio::this_coro::executor);
    ear theirs;
    w.there.watch(theirs.as_changes());
    co_await w.first.start();
    co_await w.second.start();
    w.there.start();
    EXPECT_TRUE(co_await eventually_in([&] { return heard(&theirs, "anything "); }));
    one->stop(SIGKILL);
    one->start();
    EXPECT_TRUE(co_await eventually_in([&] { return heard(&theirs, "anything anything "); }));
    w.here.invalidate("k");
    EXPECT_TRUE(co_await eventually_in([&] { return heard(&theirs, "anything anything k "); }));
    co_await w.here.stop();
    co_await w.there.stop();
    co_await w.first.stop();
    co_await w.second.stop();
}

TEST(redis_second_level, who_listens_again_may_have_missed_anything) {
    NEEDS_REDIS();
    scratch::server one;
    testing::run(hears_again(&one));
}

task<std::vector<std::shared_ptr<const std::string>>> load_texts(int* loads, texts keys) {
    ++*loads;
    std::vector<std::shared_ptr<const std::string>> out;
    for (const auto& k : keys) out.push_back(k == "none" ? nullptr : std::make_shared<const std::string>("value of " + k));
    co_return out;
}
const cache::codec<std::string> as_text{[](const std::string& s) { return s; }, [](std::string_view b) { return std::make_shared<const std::string>(b); }};

task<void> loads_once_for_both(world& w) {
    int loads = 0;
    const auto load = [&loads](texts keys) { return load_texts(&loads, std::move(keys)); };
    const auto weigh = [](const std::string& s) { return s.size(); };
    cache::loading_cache<std::string> here({.name = "here"}, system_clock(), system_rng(), cache::behind<std::string>(&w.here, load, as_text), weigh);
    cache::loading_cache<std::string> there({.name = "there"}, system_clock(), system_rng(), cache::behind<std::string>(&w.there, load, as_text), weigh);
    EXPECT_EQ(*co_await here.get("a"), "value of a");
    const auto many = co_await there.get_many(texts{"a", "b", "none"});
    EXPECT_EQ(*many[0], "value of a");
    EXPECT_EQ(*many[1], "value of b");
    EXPECT_EQ(many[2], nullptr);
    EXPECT_EQ(loads, 2);  // a; b and none
    EXPECT_EQ(co_await here.get("none"), nullptr);
    EXPECT_EQ(*co_await here.get("b"), "value of b");
    EXPECT_EQ(loads, 2);
}

TEST(redis_second_level, is_asked_before_the_source) {
    NEEDS_REDIS();
    with_world(loads_once_for_both);
}

}  // namespace
}  // namespace bv::redis
