#include "platform/storage/fenced_transactor.hpp"

#include <gtest/gtest.h>

#include "platform/storage/memory/lease_store.hpp"
#include "platform/testing/fake_clock.hpp"
#include "platform/testing/run.hpp"

namespace bv::storage {
namespace {

class fenced : public ::testing::Test {
protected:
    lease taken_by(std::string owner, milliseconds life) { return *testing::run(leases.acquire("job", std::move(owner), life)); }
    // How the transaction ended; empty: committed.
    std::string effect_under(const tenure& t) {
        fenced_transactor db(client, t);
        try {
            testing::run(db.run({}, [this](unit_of_work& uow) { return effect(&uow); }));
        } catch (const failure& f) {
            return f.error().reason;
        }
        return {};
    }
    task<void> effect(unit_of_work* uow) {
        co_await memory::of(*uow).statement();
        ++begun;
        co_await effects.insert(memory::of(*uow), begun, begun);
    }
    int committed() const {
        int n = 0;
        effects.each_committed([&n](int, int) { ++n; });
        return n;
    }

    bv::testing::fake_clock clock;
    seeded_rng random{1};
    memory::database database;
    memory::leases tables;
    memory::client client{database, clock, random};
    memory::lease_store leases{client, tables, clock};
    memory::table<int, int> effects;
    int begun = 0;
};

TEST_F(fenced, work_is_done_while_the_lease_is_held_and_not_begun_once_another_has_it) {
    const tenure first(leases, taken_by("a", milliseconds(0)), clock);
    EXPECT_EQ(effect_under(first), "") << "it ran out, and nobody took it";
    const tenure second(leases, taken_by("b", seconds(9)), clock);
    EXPECT_EQ(effect_under(first), lease_store::lease_lost);
    EXPECT_EQ(begun, 1);
    EXPECT_EQ(effect_under(second), "");
    EXPECT_EQ(committed(), 2);
}

}  // namespace
}  // namespace bv::storage
