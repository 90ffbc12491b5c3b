// What every lease store must do. One file of an adapter's tests includes this and says
//
//   INSTANTIATE_TEST_SUITE_P(postgres, lease_contract, ::testing::Values(make_pg_lease_world));
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "platform/runtime/scope.hpp"
#include "platform/storage/lease.hpp"

namespace bv::storage {

// Leases, and transactions of the store that they are kept in. Fresh for each test.
class lease_world {
public:
    virtual ~lease_world() = default;
    virtual lease_store& leases() = 0;
    virtual transactor& db() = 0;
    // Blocks until the body has ended; what it throws is thrown.
    virtual void run(std::function<task<void>(lease_world&)> body) = 0;
};

using make_lease_world = std::unique_ptr<lease_world> (*)();

class lease_contract : public ::testing::TestWithParam<make_lease_world> {
protected:
    std::unique_ptr<lease_world> world = GetParam()();
};

namespace contract {

inline constexpr milliseconds long_life{3'600'000}, no_life{0};

inline task<lease> taken_by(lease_world& w, std::string owner, milliseconds life = long_life, std::string name = "job") {
    auto got = co_await w.leases().acquire(std::move(name), owner, life);
    if (!got) throw failure(code::internal, "NOT_FREE", owner + " was refused for " + got.error().owner);
    co_return std::move(*got);
}

// What confirm() says in a transaction of its own: empty when the lease is held.
inline task<std::string> confirmed(lease_world& w, lease l) {
    std::string reason;
    try {
        co_await w.db().run({}, [&](unit_of_work& uow) { return w.leases().confirm(uow, l); });
    } catch (const failure& f) {
        reason = f.error().reason;
    }
    co_return reason;
}

inline task<void> take_into(lease_world* w, std::string owner, std::string gone, std::optional<lease>* out) {
    auto got = co_await w->leases().acquire("job", std::move(owner), long_life, std::move(gone));
    if (got) *out = std::move(*got);
}

}  // namespace contract

#define LEASE_TEST(name)                                     \
    static ::bv::task<void> lease_test_##name(lease_world&); \
    TEST_P(lease_contract, name) { world->run(lease_test_##name); } \
    static ::bv::task<void> lease_test_##name([[maybe_unused]] lease_world& w)

LEASE_TEST(one_owner_has_a_name_and_the_others_are_told_who_and_how_long) {
    using namespace contract;
    const auto first = co_await taken_by(w, "a");
    EXPECT_EQ(first.name, "job");
    EXPECT_EQ(first.owner, "a");
    EXPECT_GT(first.fence, 0);
    const auto second = co_await w.leases().acquire("job", "b", long_life);
    EXPECT_FALSE(second.has_value());
    if (second) co_return;
    EXPECT_EQ(second.error().owner, "a");
    EXPECT_GT(second.error().left, milliseconds(0));
    EXPECT_LE(second.error().left, long_life);
    EXPECT_EQ((co_await taken_by(w, "b", long_life, "another job")).owner, "b");
    EXPECT_EQ(co_await confirmed(w, first), "");
}

LEASE_TEST(one_that_ran_out_goes_to_the_next_under_a_higher_fence) {
    using namespace contract;
    const auto old = co_await taken_by(w, "a", no_life);
    const auto fresh = co_await taken_by(w, "b");
    EXPECT_GT(fresh.fence, old.fence);
    EXPECT_FALSE(co_await w.leases().renew(old, long_life)) << "it woke too late";
    EXPECT_EQ(co_await confirmed(w, old), lease_store::lease_lost);
    co_await w.leases().release(old);
    EXPECT_EQ(co_await confirmed(w, fresh), "") << "what is another's is not given back";
    EXPECT_TRUE(co_await w.leases().renew(fresh, long_life));
}

LEASE_TEST(one_that_ran_out_and_nobody_took_is_still_its_owners) {
    using namespace contract;
    const auto mine = co_await taken_by(w, "a", no_life);
    EXPECT_EQ(co_await confirmed(w, mine), "");
    EXPECT_TRUE(co_await w.leases().renew(mine, long_life));
    EXPECT_FALSE((co_await w.leases().acquire("job", "b", long_life)).has_value());
}

LEASE_TEST(one_that_is_given_back_is_free_at_once_and_the_fence_goes_on) {
    using namespace contract;
    const auto first = co_await taken_by(w, "a");
    co_await w.leases().release(first);
    const auto second = co_await taken_by(w, "b");
    EXPECT_GT(second.fence, first.fence);
    EXPECT_EQ(co_await confirmed(w, first), lease_store::lease_lost);
}

LEASE_TEST(its_owner_may_take_it_anew_and_what_was_begun_before_is_fenced_out) {
    using namespace contract;
    const auto before = co_await taken_by(w, "a");
    const auto after = co_await taken_by(w, "a");
    EXPECT_GT(after.fence, before.fence);
    EXPECT_FALSE(co_await w.leases().renew(before, long_life));
    EXPECT_EQ(co_await confirmed(w, before), lease_store::lease_lost);
    EXPECT_EQ(co_await confirmed(w, after), "");
}

LEASE_TEST(an_owner_that_is_gone_is_not_waited_for_and_nobody_else_loses_by_it) {
    using namespace contract;
    co_await taken_by(w, "dead");
    EXPECT_FALSE((co_await w.leases().acquire("job", "b", long_life, "another")).has_value());
    const auto got = co_await w.leases().acquire("job", "b", long_life, "dead");
    EXPECT_TRUE(got.has_value());
    EXPECT_FALSE((co_await w.leases().acquire("job", "c", long_life, "dead")).has_value());
}

LEASE_TEST(of_many_that_ask_at_the_same_time_one_gets_it) {
    using namespace contract;
    std::array<std::optional<lease>, 8> got;
    scope asking{"asking"};
    for (std::size_t i = 0; i < got.size(); ++i)
        asking.spawn(co_await asio::this_coro::executor, take_into(&w, "owner " + std::to_string(i), {}, &got[i]));
    co_await asking.join();
    EXPECT_EQ(std::ranges::count_if(got, [](const auto& l) { return l.has_value(); }), 1);
}

// Confirms, and keeps the transaction open while another wants the lease.
inline task<void> effect_under(lease_world* w, const lease* mine, scope* asking, std::optional<lease>* others, bool* kept_away, unit_of_work* uow) {
    co_await w->leases().confirm(*uow, *mine);
    asking->spawn(co_await asio::this_coro::executor, contract::take_into(w, "b", mine->owner, others));
    for (int i = 0; i < 20; ++i) {
        EXPECT_TRUE(co_await w->leases().renew(*mine, contract::long_life)) << "a renewal waits for no effect";
        co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
    }
    *kept_away = !others->has_value();
}

LEASE_TEST(an_effect_keeps_the_next_owner_away_until_its_transaction_ends) {
    using namespace contract;
    const auto mine = co_await taken_by(w, "a");
    std::optional<lease> others;
    bool kept_away = false;
    scope asking{"asking"};
    co_await w.db().run({}, [&](unit_of_work& uow) { return effect_under(&w, &mine, &asking, &others, &kept_away, &uow); });
    co_await asking.join();
    EXPECT_TRUE(kept_away);
    EXPECT_TRUE(others.has_value()) << "it was kept waiting, not refused";
}

}  // namespace bv::storage
