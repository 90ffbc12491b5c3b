#include "platform/events/tailer.hpp"

#include <gtest/gtest.h>

#include <set>

#include "platform/runtime/scope.hpp"
#include "platform/testing/fake_clock.hpp"

namespace bv::events {
namespace {

// One source whose rows and open transactions the test decides about.
class told_outbox final : public outbox_reader {
public:
    std::set<std::int64_t> rows;   // that are visible
    std::int64_t head = 0;         // the last position drawn
    std::int64_t xmin = 100, next = 100;
    std::size_t given = 0;         // rows, in all fetches

    task<heads_probe> probe(std::vector<std::string>) override { co_return heads_probe{{head}, xmin, next, "epoch"}; }
    task<std::vector<event_ptr>> fetch(std::string, std::int64_t after, std::int64_t upto, std::int32_t limit) override {
        std::vector<event_ptr> out;
        for (auto at = rows.upper_bound(after); at != rows.end() && *at <= upto && std::ssize(out) < limit; ++at) {
            auto e = std::make_shared<event>();
            e->position = *at;
            out.push_back(std::move(e));
        }
        given += out.size();
        co_return out;
    }
    task<std::int64_t> last_row(std::string, std::int64_t upto) override {
        const auto after = rows.upper_bound(upto);
        co_return after == rows.begin() ? 0 : *std::prev(after);
    }
    task<std::vector<open_transaction>> who_runs(std::int64_t) override { co_return std::vector<open_transaction>{}; }
    task<void> register_group(std::string, std::string, std::string) override { co_return; }
    task<std::int64_t> prune(std::string, time_point, std::int32_t) override { co_return 0; }
};

class tailer_test : public ::testing::Test {
protected:
    tailer_test() {
        tasks_.spawn(io_.get_executor(), tailer_.run());
        pass();
    }
    ~tailer_test() override {
        tailer_.halt();
        pass();
    }
    void pass(std::chrono::nanoseconds d = seconds(2)) { time_.run_for(io_, d); }
    std::vector<std::int64_t> delivered() const {
        std::vector<std::int64_t> out;
        for (const auto& e : tail_->take(0, {}, 10'000).events) out.push_back(e->position);
        return out;
    }

    asio::io_context io_;
    testing::fake_clock time_;
    told_outbox outbox_;
    std::shared_ptr<source_tail> tail_ = std::make_shared<source_tail>("maker", tail_limits{});
    tailer tailer_{outbox_, {tail_}, io_.get_executor(), time_, {.fetch_rows = 4}};
    scope tasks_{"tail"};
};
using list = std::vector<std::int64_t>;

TEST_F(tailer_test, delivers_what_has_no_gap_before_it_while_transactions_are_open) {
    outbox_.next = 200;  // something runs, and does not end
    for (std::int64_t i = 1; i <= 9; ++i) outbox_.rows.insert(i);
    outbox_.head = 12;   // it may have drawn the last three
    pass();
    EXPECT_EQ(delivered(), (list{1, 2, 3, 4, 5, 6, 7, 8, 9}));
}

TEST_F(tailer_test, reads_what_is_behind_a_gap_once_while_the_gap_is_open) {
    outbox_.next = 200;
    outbox_.rows = {1, 3, 4};
    outbox_.head = 4;
    pass(seconds(60));
    EXPECT_EQ(delivered(), (list{1}));
    EXPECT_EQ(outbox_.given, 3u);
    outbox_.rows.insert(2);  // it commits
    pass();
    EXPECT_EQ(delivered(), (list{1, 2, 3, 4}));
    EXPECT_EQ(outbox_.given, 3u + 1u + 3u);
}

TEST_F(tailer_test, passes_over_a_gap_that_a_rollback_left_once_it_is_settled) {
    outbox_.next = 200;
    outbox_.rows = {1, 3, 4, 7};
    outbox_.head = 8;
    pass();
    EXPECT_EQ(delivered(), (list{1}));
    outbox_.xmin = outbox_.next;
    pass();
    EXPECT_EQ(delivered(), (list{1, 3, 4, 7}));
    outbox_.next = 300;
    outbox_.rows.insert({9, 10, 12});
    outbox_.head = 12;
    pass();
    EXPECT_EQ(delivered(), (list{1, 3, 4, 7, 9, 10}));
}

// A crash can take the sequence back to its last row. Until the next look tells of it, a read must not begin at what was drawn.
TEST_F(tailer_test, passes_over_no_row_whose_position_was_drawn_again) {
    outbox_.rows = {1};
    outbox_.head = 5;
    pass();
    outbox_.rows.insert({2, 3, 6});
    outbox_.head = 6;
    pass();
    EXPECT_EQ(delivered(), (list{1, 2, 3, 6}));
}

// A bell that the test rings.
class told_bell final : public bell {
public:
    bool heard = true;
    std::size_t rings = 0;
    std::function<void()> rung{};

    void ring() noexcept override { ++rings; }
    bool hears() const noexcept override { return heard; }
    task<void> tell() override { co_return; }
    task<void> hear(std::function<void()> to) override {
        rung = std::move(to);
        co_return;
    }
};

class outbox_that_counts final : public outbox_reader {
public:
    explicit outbox_that_counts(told_outbox& inner) : inner_(inner) {}
    std::size_t looks = 0;
    task<heads_probe> probe(std::vector<std::string> sources) override {
        ++looks;
        return inner_.probe(std::move(sources));
    }
    task<std::vector<event_ptr>> fetch(std::string s, std::int64_t a, std::int64_t u, std::int32_t l) override { return inner_.fetch(std::move(s), a, u, l); }
    task<std::int64_t> last_row(std::string s, std::int64_t upto) override { return inner_.last_row(std::move(s), upto); }
    task<std::vector<open_transaction>> who_runs(std::int64_t x) override { return inner_.who_runs(x); }
    task<void> register_group(std::string g, std::string s, std::string c) override { return inner_.register_group(std::move(g), std::move(s), std::move(c)); }
    task<std::int64_t> prune(std::string s, time_point c, std::int32_t l) override { return inner_.prune(std::move(s), c, l); }

private:
    told_outbox& inner_;
};

class rung_tailer : public ::testing::Test {
protected:
    rung_tailer() {
        tasks_.spawn(io_.get_executor(), tailer_.run());
        tailer_.spawn_bell(tasks_, io_.get_executor());
        pass(seconds(10));
    }
    ~rung_tailer() override {
        tailer_.halt();
        pass(seconds(2));
    }
    void pass(std::chrono::nanoseconds d) { time_.run_for(io_, d); }
    std::size_t looks_in(std::chrono::nanoseconds d) {
        const auto before = outbox_.looks;
        pass(d);
        return outbox_.looks - before;
    }
    void append() { inner_.rows.insert(++inner_.head); }

    asio::io_context io_;
    testing::fake_clock time_;
    told_outbox inner_;
    outbox_that_counts outbox_{inner_};
    std::shared_ptr<told_bell> bell_ = std::make_shared<told_bell>();
    std::shared_ptr<source_tail> tail_ = std::make_shared<source_tail>("maker", tail_limits{});
    tailer tailer_{outbox_, {tail_}, io_.get_executor(), time_, {.poll_max = milliseconds(25), .bell = bell_}};
    scope tasks_{"tail"};
};

TEST_F(rung_tailer, looks_seldom_while_it_would_hear_of_news) {
    EXPECT_LE(looks_in(seconds(10)), 21u);
    bell_->heard = false;
    pass(milliseconds(500));
    EXPECT_GE(looks_in(seconds(10)), 390u);
}

TEST_F(rung_tailer, sees_at_once_what_another_process_rings_for) {
    append();
    bell_->rung();
    pass(milliseconds(4));
    EXPECT_EQ(tail_->head(), 1);
}

TEST_F(rung_tailer, looks_for_a_while_for_what_is_committed_after_the_ring) {
    bell_->rung();
    pass(milliseconds(60));
    append();
    pass(milliseconds(20));
    EXPECT_EQ(tail_->head(), 1);
}

TEST_F(rung_tailer, tells_others_of_what_is_appended_here_and_of_nothing_else) {
    tailer_.wake();
    EXPECT_EQ(bell_->rings, 0u);
    tailer_.appended();
    EXPECT_EQ(bell_->rings, 1u);
}

}  // namespace
}  // namespace bv::events
