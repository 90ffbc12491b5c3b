// One process at a time does the work. A process here is an io_context: one that is not run stands still.
#include "platform/storage/leased_job.hpp"

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/this_coro.hpp>

#include "platform/runtime/scope.hpp"
#include "platform/runtime/waiter.hpp"
#include "platform/storage/memory/lease_store.hpp"
#include "platform/testing/fake_clock.hpp"

namespace bv::storage {
namespace {

constexpr milliseconds life{9'000}, tick{100};

struct world {
    testing::fake_clock clock;
    seeded_rng random{1};
    memory::database database;
    memory::leases tables;
    memory::client client{database, clock, random};
    memory::lease_store leases{client, tables, clock};
    int at_work = 0;       // processes that do the work, as far as they know
    int most_sure = 0;     // of them at once, of those that were sure to be alone
};

// The way to the leases may be cut.
class cut_store final : public lease_store {
public:
    explicit cut_store(lease_store& s) : inner_(s) {}
    bool away = false;
    bool silent = false;  // takes a release, and answers nothing
    task<std::expected<lease, lease_taken>> acquire(std::string name, std::string owner, milliseconds l, std::string gone) override {
        check();
        co_return co_await inner_.acquire(std::move(name), std::move(owner), l, std::move(gone));
    }
    task<bool> renew(lease l, milliseconds for_time) override {
        check();
        co_return co_await inner_.renew(std::move(l), for_time);
    }
    task<void> release(lease l) override {
        check();
        if (silent) co_await waiter::make()->wait();
        co_await inner_.release(std::move(l));
    }
    task<void> confirm(unit_of_work& uow, const lease& l) override { return inner_.confirm(uow, l); }

private:
    void check() const {
        if (away) throw failure(code::unavailable, "DATABASE_UNAVAILABLE", "for the test");
    }
    lease_store& inner_;
};

class process {
public:
    process(world& w, std::string name) : world_(w), name_(std::move(name)), way(w.leases), job_(way, terms(), [this](const tenure& t) { return work(t); }, io_.get_executor(), w.clock, w.random) {
        tasks_.spawn(io_.get_executor(), job_.run());
    }
    ~process() {
        standing_still = false;
        stop();
    }
    void turn() {
        if (standing_still) return;
        io_.restart();
        io_.poll();
    }
    // As a process ends: cancelled, joined.
    void stop() {
        tasks_.stop();
        while (tasks_.size() > 0) turn();
    }
    [[nodiscard]] bool works() const { return now_ != nullptr; }
    [[nodiscard]] bool is_sure() const { return now_ && now_->is_sure(); }
    [[nodiscard]] bool has_ended() const { return tasks_.size() == 0; }

    bool standing_still = false;
    bool done = false;         // the work ends by itself
    int effects = 0, refused = 0;
    std::string thought_gone;  // an owner that this process takes for dead
    std::int64_t last_fence = 0;

private:
    lease_terms terms() {
        return {.name = "job", .owner = name_, .life = life, .is_gone = [this](const std::string& owner) { return owner == thought_gone; }};
    }
    // An effect each tick, fenced.
    task<void> work(const tenure& t) {
        struct presence {
            process& of;
            ~presence() { of.now_ = nullptr, --of.world_.at_work; }
        } const here{*this};
        now_ = &t;
        last_fence = t.fence();
        ++world_.at_work;
        while (!done) {
            try {
                co_await world_.client.run({}, [&t](unit_of_work& uow) { return t.confirm(uow); });
                ++effects;
            } catch (const failure& f) {
                if (f.error().reason != lease_store::lease_lost) throw;
                ++refused;
            }
            co_await world_.clock.sleep_for(tick);
        }
    }

    world& world_;
    const std::string name_;
    asio::io_context io_;
    const tenure* now_ = nullptr;
    scope tasks_{"process"};

public:
    cut_store way;

private:
    leased_job job_;

public:
    void halt() { job_.halt(); }
};

// Time goes on in small steps, and everybody who does not stand still runs.
void pass(world& w, std::vector<process*> all, milliseconds time) {
    for (milliseconds gone{0}; gone < time; gone += tick / 4) {
        for (int i = 0; i < 20; ++i)
            for (auto* p : all) p->turn();
        int sure = 0;
        for (auto* p : all) sure += p->is_sure() ? 1 : 0;
        w.most_sure = std::max(w.most_sure, sure);
        w.clock.advance(tick / 4);
    }
}

TEST(leased_job, one_of_three_does_the_work_and_keeps_it) {
    world w;
    process a(w, "a"), b(w, "b"), c(w, "c");
    pass(w, {&a, &b, &c}, 4 * life);
    EXPECT_EQ(w.at_work, 1);
    EXPECT_EQ(w.most_sure, 1);
    int owners = 0;
    for (auto* p : {&a, &b, &c}) owners += p->effects > 0 ? 1 : 0;
    EXPECT_EQ(owners, 1);
    EXPECT_EQ(w.tables.rows.committed("job")->fence, 1) << "renewed, never taken anew";
}

TEST(leased_job, who_ends_gives_the_lease_back_and_the_next_goes_on_under_a_higher_fence) {
    world w;
    process a(w, "a");
    pass(w, {&a}, tick);
    process b(w, "b");
    pass(w, {&a, &b}, tick);
    ASSERT_TRUE(a.works() && !b.works());
    a.stop();
    EXPECT_EQ(w.at_work, 0);
    pass(w, {&b}, life / 2);  // and not a whole life
    EXPECT_TRUE(b.works());
    EXPECT_GT(b.last_fence, a.last_fence);
}

TEST(leased_job, a_halt_lets_the_work_end_by_itself) {
    world w;
    process a(w, "a");
    pass(w, {&a}, tick);
    a.halt();
    pass(w, {&a}, 2 * life);
    EXPECT_TRUE(a.works()) << "and keeps the lease meanwhile";
    a.done = true;
    pass(w, {&a}, 2 * tick);
    EXPECT_TRUE(a.has_ended());
    EXPECT_EQ(w.tables.rows.committed("job")->expires_at, steady_point{}) << "given back";
}

TEST(leased_job, an_end_does_not_wait_for_a_store_that_answers_nothing) {
    world w;
    process a(w, "a");
    pass(w, {&a}, tick);
    a.way.silent = true;
    a.done = true;
    a.halt();
    pass(w, {&a}, life);
    EXPECT_TRUE(a.has_ended());
}

TEST(leased_job, one_that_stands_still_is_followed_within_its_life_and_changes_nothing_when_it_wakes) {
    world w;
    process a(w, "a");
    pass(w, {&a}, tick);
    process b(w, "b");
    pass(w, {&a, &b}, tick);
    a.standing_still = true;
    const int before = a.effects;
    pass(w, {&a, &b}, life + life / 2);
    EXPECT_TRUE(b.works());
    a.standing_still = false;
    pass(w, {&a, &b}, life);
    EXPECT_EQ(a.effects, before) << "what it does after it woke is refused";
    EXPECT_FALSE(a.works()) << "and it learns that it has lost the lease";
    EXPECT_TRUE(b.works());
    EXPECT_EQ(w.most_sure, 1);
}

TEST(leased_job, one_that_cannot_renew_stops_before_another_may_begin) {
    world w;
    process a(w, "a");
    pass(w, {&a}, tick);
    process b(w, "b");
    a.way.away = true;
    pass(w, {&a, &b}, life - life / 6 + 2 * tick);
    EXPECT_FALSE(a.works());
    EXPECT_GT(w.tables.rows.committed("job")->expires_at, w.clock.steady_now()) << "in time";
    pass(w, {&a, &b}, life);
    EXPECT_TRUE(b.works());
    EXPECT_EQ(a.refused, 0);
    a.way.away = false;
    pass(w, {&a, &b}, life);
    EXPECT_FALSE(a.works());
    EXPECT_EQ(w.most_sure, 1);
}

TEST(leased_job, a_store_that_is_away_for_a_moment_costs_nothing) {
    world w;
    process a(w, "a");
    pass(w, {&a}, tick);
    a.way.away = true;
    pass(w, {&a}, life / 2);
    a.way.away = false;
    pass(w, {&a}, 2 * life);
    EXPECT_TRUE(a.works());
    EXPECT_EQ(a.last_fence, 1);
}

TEST(leased_job, an_owner_that_is_seen_to_be_gone_is_followed_at_once) {
    world w;
    process a(w, "a");
    pass(w, {&a}, tick);
    a.standing_still = true;
    process b(w, "b");
    b.thought_gone = "a";
    pass(w, {&b}, milliseconds(500));
    EXPECT_TRUE(b.works());
    EXPECT_GT(b.last_fence, a.last_fence);
}

TEST(leased_job, work_that_ends_begins_again_after_a_pause) {
    world w;
    process a(w, "a");
    a.done = true;
    pass(w, {&a}, life);
    EXPECT_GT(a.last_fence, 3);
    EXPECT_LT(a.last_fence, 20);
}

}  // namespace
}  // namespace bv::storage
