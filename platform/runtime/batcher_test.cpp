#include "platform/runtime/batcher.hpp"

#include <atomic>
#include <numeric>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "platform/runtime/runtime.hpp"
#include "platform/testing/fake_clock.hpp"

namespace bv {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ints = std::vector<int>;
using squarer = batcher<int, int>;

// A store that takes a second for each flush, squares, refuses negative numbers one by one, and breaks on any
// batch that holds the poison.
struct store {
    static constexpr int poison = 13;
    clock& c;
    std::vector<ints> flushes{};
    int in_flush = 0, most_in_flush = 0;

    static task<std::vector<result<int>>> flush(store& s, ints batch) {
        s.flushes.push_back(batch);
        s.most_in_flush = std::max(s.most_in_flush, ++s.in_flush);
        co_await s.c.sleep_for(1s);
        --s.in_flush;
        std::vector<result<int>> out;
        for (const int n : batch) {
            if (n == poison) throw failure(code::internal, "POISON", "poison");
            if (n < 0)
                out.push_back(fail(code::out_of_range, "NEGATIVE", "must not be negative"));
            else
                out.push_back(n * n);
        }
        co_return out;
    }
};

struct batching : ::testing::Test {
    testing::fake_clock c;
    asio::io_context io;
    store db{c};
    std::map<int, std::string> answers;  // the square, or the reason
    std::optional<squarer> b;
    bool stopped = false;

    void make(batcher_options o = {}) {
        o.name = "test";
        b.emplace(o, c, io.get_executor(), [this](ints batch) { return store::flush(db, std::move(batch)); });
    }
    static task<void> ask(batching& t, int n, std::optional<steady_point> deadline) {
        try {
            const auto r = co_await t.b->submit(n, deadline);
            t.answers[n] = r ? std::to_string(*r) : r.error().reason;
        } catch (...) {
            t.answers[n] = current_error().reason;
        }
    }
    static task<void> stop(batching& t) {
        co_await t.b->stop();
        t.stopped = true;
    }
    void submit(int n, std::optional<steady_point> deadline = {}) {
        asio::co_spawn(io, ask(*this, n, deadline), asio::detached);
        run(0s);
    }
    void run(std::chrono::nanoseconds d) { c.run_for(io, d); }
};

TEST_F(batching, a_lone_request_is_flushed_at_once) {
    make();
    submit(3);
    EXPECT_THAT(db.flushes, ElementsAre(ints{3}));
    run(1s);
    EXPECT_EQ(answers[3], "9");
}

TEST_F(batching, requests_collect_while_a_flush_is_in_hand) {
    make({.max_batch = 3});
    for (int n = 1; n <= 6; ++n) submit(n);
    EXPECT_EQ(b->queued(), 5U);
    run(3s);
    EXPECT_THAT(db.flushes, ElementsAre(ints{1}, ints{2, 3, 4}, ints{5, 6}));
    EXPECT_EQ(db.most_in_flush, 1);
    EXPECT_EQ(answers.size(), 6U);
    EXPECT_EQ(answers[6], "36");
}

TEST_F(batching, two_lanes_flush_side_by_side) {
    make({.lanes = 2});
    for (int n = 1; n <= 5; ++n) submit(n);
    run(2s);
    EXPECT_EQ(db.most_in_flush, 2);
    EXPECT_THAT(db.flushes, ElementsAre(ints{1}, ints{2}, ints{3, 4, 5}));
}

TEST_F(batching, an_expected_refusal_concerns_its_own_request) {
    make();
    submit(1);
    submit(-2);
    submit(3);
    run(2s);
    EXPECT_EQ(answers[-2], "NEGATIVE");
    EXPECT_EQ(answers[3], "9");
}

TEST_F(batching, when_a_batch_throws_its_requests_are_flushed_alone) {
    make();
    submit(1);
    for (const int n : {2, store::poison, 4}) submit(n);
    run(5s);
    EXPECT_THAT(db.flushes, ElementsAre(ints{1}, ints{2, 13, 4}, ints{2}, ints{13}, ints{4}));
    EXPECT_EQ(answers[2], "4");
    EXPECT_EQ(answers[13], "POISON");
    EXPECT_EQ(answers[4], "16");
}

TEST_F(batching, without_the_fallback_a_failure_goes_to_the_whole_batch) {
    make({.retry_singly = false});
    submit(1);
    for (const int n : {2, store::poison}) submit(n);
    run(2s);
    EXPECT_EQ(answers[2], "POISON");
    EXPECT_EQ(answers[13], "POISON");
}

TEST_F(batching, a_full_queue_refuses) {
    make({.max_queued = 2});
    for (int n = 1; n <= 4; ++n) submit(n);
    EXPECT_EQ(answers[4], "BATCH_QUEUE_FULL");
    run(2s);
    EXPECT_EQ(answers[3], "9");
}

TEST_F(batching, a_request_whose_deadline_passed_in_the_queue_is_not_flushed) {
    make();
    submit(1);
    submit(2, c.steady_now() + 500ms);
    submit(3, c.steady_now() + 2s);
    run(2s);
    EXPECT_EQ(answers[2], "DEADLINE_EXCEEDED");
    EXPECT_THAT(db.flushes, ElementsAre(ints{1}, ints{3}));
}

TEST_F(batching, a_cancelled_caller_leaves_the_queue) {
    make();
    submit(1);
    asio::cancellation_signal cancel;
    asio::co_spawn(io, ask(*this, 2, {}), asio::bind_cancellation_slot(cancel.slot(), asio::detached));
    run(0s);
    cancel.emit(asio::cancellation_type::all);
    run(3s);
    EXPECT_EQ(answers[2], "CANCELLED");
    EXPECT_THAT(db.flushes, ElementsAre(ints{1}));
}

TEST_F(batching, stop_finishes_what_is_queued_and_refuses_what_is_new) {
    make();
    submit(1);
    submit(2);
    asio::co_spawn(io, stop(*this), asio::detached);
    run(0s);
    submit(3);
    EXPECT_EQ(answers[3], "STOPPING");
    run(1s);
    EXPECT_FALSE(stopped);
    run(1s);
    EXPECT_TRUE(stopped);
    EXPECT_EQ(answers[2], "4");
}

// Callers on every core; each must be answered on its own core, exactly once.
task<std::vector<result<int>>> echo(std::atomic<int>& flushed, ints batch) {
    flushed += static_cast<int>(batch.size());
    co_return std::vector<result<int>>(batch.begin(), batch.end());
}
task<int> ask_many(squarer& b, int n) {
    int at_home = 0;
    const auto core = runtime::current_core();
    for (int i = 0; i < n; ++i) {
        const auto r = co_await b.submit(i);
        at_home += r && *r == i && runtime::current_core() == core ? 1 : 0;
    }
    co_return at_home;
}
task<void> add(std::atomic<int>& sum, squarer& b, int n) { sum += co_await ask_many(b, n); }

TEST(batcher, answers_callers_of_every_core_on_their_own_core) {
    runtime rt(3);
    rt.start();
    std::atomic<int> flushed{0}, answered{0};
    squarer b({.name = "cores", .max_batch = 8, .lanes = 2}, system_clock(), rt.context(0).get_executor(),
              [&flushed](ints batch) { return echo(flushed, std::move(batch)); });
    scope callers("callers");
    for (std::size_t i = 0; i < 30; ++i) callers.spawn(rt.context(i % 3).get_executor(), add(answered, b, 100));
    rt.block_on(callers.join());
    rt.block_on(b.stop());
    EXPECT_EQ(flushed, 3000);
    EXPECT_EQ(answered, 3000);
}

}  // namespace
}  // namespace bv
