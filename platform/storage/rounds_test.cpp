#include "platform/storage/rounds.hpp"

#include <gtest/gtest.h>

#include "platform/core/error.hpp"
#include "platform/runtime/process_identity.hpp"
#include "platform/storage/memory/lease_store.hpp"
#include "platform/testing/fake_clock.hpp"
#include "platform/testing/run.hpp"

namespace bv::storage {
namespace {

constexpr milliseconds hour{3'600'000};

// The leases as another process sees them: what it asks for, it asks for under a name of its own.
class elsewhere final : public lease_store {
public:
    explicit elsewhere(lease_store& to) : to_(to) {}
    task<std::expected<lease, lease_taken>> acquire(std::string name, std::string owner, milliseconds life, std::string gone) override {
        return to_.acquire(std::move(name), "elsewhere " + owner, life, std::move(gone));
    }
    task<bool> renew(lease l, milliseconds life) override { return to_.renew(std::move(l), life); }
    task<void> release(lease l) override { return to_.release(std::move(l)); }
    task<void> confirm(unit_of_work& uow, const lease& l) override { return to_.confirm(uow, l); }

private:
    lease_store& to_;
};

struct rounds : ::testing::Test {
    bv::testing::fake_clock time;
    memory::database database;
    memory::leases tables;
    memory::client client{database, time, system_rng()};
    memory::lease_store here{client, tables, time};
    elsewhere there{here};
    int done = 0;

    static task<void> work(int* done, bool breaks) {
        ++*done;
        if (breaks) throw failure(code::unavailable, "AWAY", "away");
        co_return;
    }
    void ask(lease_store& l, bool breaks = false) {
        bv::testing::run(once_in(l, "sweep", hour, [this, breaks] { return work(&done, breaks); }));
    }
};

TEST_F(rounds, are_done_by_the_first_that_asks_and_again_when_their_time_is_over) {
    ask(here);
    ask(there);
    EXPECT_EQ(done, 1);
    time.advance(hour / 2);
    ask(there);
    EXPECT_EQ(done, 1);
    time.advance(hour / 2);
    ask(there);
    ask(here);
    EXPECT_EQ(done, 2);
}

TEST_F(rounds, that_failed_are_left_to_the_next) {
    EXPECT_THROW(ask(here, true), failure);
    ask(there);
    EXPECT_EQ(done, 2);
}

// Of this machine, with a pid that no process has.
std::string a_dead_process() {
    const auto& own = process_identity();
    return own.substr(0, own.rfind(':', own.rfind(':') - 1)) + ":999999999:1#round";
}

TEST_F(rounds, of_a_process_that_has_ended_are_not_waited_for) {
    ASSERT_TRUE(bv::testing::run(here.acquire("sweep", a_dead_process(), hour, "")));
    ask(here);
    EXPECT_EQ(done, 1);
}

}  // namespace
}  // namespace bv::storage
