// What every job queue must do, whatever tells its workers. One file of an adapter's tests includes this and says
//
//   INSTANTIATE_TEST_SUITE_P(postgres, job_contract, ::testing::Values(make_pg_job_world));
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <boost/asio/this_coro.hpp>

#include "platform/core/error.hpp"
#include "platform/jobs/job_queue.hpp"
#include "platform/telemetry/trace.hpp"

namespace bv::jobs {

// A store, and queues of one name over it. Fresh for each test.
class job_world {
public:
    virtual ~job_world() = default;
    virtual storage::transactor& db() = 0;
    // Another one on the same jobs, as another process would have it. Not started. Lives as long as the body.
    virtual job_queue& make(policy) = 0;
    // Blocks until the body has ended and what it made is stopped; what it throws is thrown.
    virtual void run(std::function<task<void>(job_world&)> body) = 0;
};

using make_job_world = std::unique_ptr<job_world> (*)();

class job_contract : public ::testing::TestWithParam<make_job_world> {
protected:
    std::unique_ptr<job_world> world = GetParam()();
};

namespace contract {

inline constexpr std::string_view a_trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
inline constexpr milliseconds soon{20}, hours{3'600'000};
inline const policy patient{.lease = hours, .attempts = 3, .delays = {soon}};

inline new_job named(std::string_view name, milliseconds delay = milliseconds(0)) {
    return {.id = uuid::named(name), .kind = "write", .payload = std::string("\0\1", 2), .traceparent = std::string(a_trace), .delay = delay};
}

inline task<void> enqueue(job_world& w, job_queue& q, std::vector<new_job> some) {
    co_await w.db().run({}, [&](storage::unit_of_work& uow) { return q.enqueue(uow, some); });
    q.committed();
}

// A queue at work, and the signal that its one worker waits for.
struct worker {
    job_queue& queue;
    std::shared_ptr<signal> work;

    // The next jobs, at most ten, once there are any; empty when there are none after ten seconds.
    task<std::vector<job>> next() {
        const auto end = system_clock().steady_now() + seconds(10);
        std::vector<job> out;
        for (;;) {
            out = co_await queue.claim(10);
            if (!out.empty() || system_clock().steady_now() > end) break;
            co_await work->wait_for(milliseconds(10));
        }
        co_return out;
    }
};

inline task<worker> at_work(job_world& w, policy p = patient) {
    auto& q = w.make(std::move(p));
    worker out{q, std::make_shared<signal>(co_await asio::this_coro::executor, system_clock())};
    q.attach(out.work);
    co_await q.start();
    co_return out;
}

inline task<std::vector<settled>> finish(job_world& w, job_queue& q, std::vector<job> some, verdict how, std::string error = {}) {
    std::vector<finished> ended;
    for (const auto& j : some) ended.push_back({j.id, j.attempt, how, error});
    auto out = co_await w.db().transact({}, [&](storage::unit_of_work& uow) { return q.finish(uow, ended); });
    q.let_go(some);
    co_return out;
}

inline task<void> enqueue_and_throw(job_queue* q, storage::unit_of_work* uow) {
    co_await q->enqueue(*uow, {named("rolled back")});
    throw std::runtime_error("no");
}

}  // namespace contract

#define JOB_TEST(name)                                    \
    static ::bv::task<void> job_test_##name(job_world&);  \
    TEST_P(job_contract, name) { world->run(job_test_##name); } \
    static ::bv::task<void> job_test_##name([[maybe_unused]] job_world& w)

JOB_TEST(are_handed_to_one_worker_as_they_were_given_and_gone_when_done) {
    using namespace contract;
    auto one = co_await at_work(w);
    co_await enqueue(w, one.queue, {named("a")});
    const auto got = co_await one.next();
    EXPECT_EQ(got.size(), 1U);
    if (got.size() != 1) co_return;
    EXPECT_EQ(got[0].id, uuid::named("a"));
    EXPECT_EQ(got[0].kind, "write");
    EXPECT_EQ(got[0].payload, std::string("\0\1", 2));
    EXPECT_EQ(got[0].attempt, 1);
    EXPECT_EQ(telemetry::span_context::parse(got[0].traceparent).trace_id_hex(), "0af7651916cd43dd8448eb211c80319c");
    EXPECT_EQ((co_await one.queue.count()).waiting, 1) << "it is not done yet";
    const auto settled_now = co_await finish(w, one.queue, got, verdict::done);
    EXPECT_EQ(settled_now.size(), 1U);
    EXPECT_EQ((co_await one.queue.count()).waiting, 0);
}

JOB_TEST(go_with_the_transaction_that_enqueues_them) {
    using namespace contract;
    auto one = co_await at_work(w);
    try {
        co_await w.db().run({}, [&](storage::unit_of_work& uow) { return enqueue_and_throw(&one.queue, &uow); });
    } catch (const std::runtime_error&) {
        // Thrown to roll back.
    }
    one.queue.committed();
    co_await enqueue(w, one.queue, {named("kept")});
    const auto got = co_await one.next();
    EXPECT_EQ(got.size(), 1U);
    EXPECT_EQ(got.at(0).id, uuid::named("kept"));
}

JOB_TEST(of_the_same_id_are_one) {
    using namespace contract;
    auto one = co_await at_work(w);
    co_await enqueue(w, one.queue, {named("a")});
    co_await enqueue(w, one.queue, {named("a"), named("b")});
    EXPECT_EQ((co_await one.queue.count()).waiting, 2);
}

JOB_TEST(are_shared_by_workers_each_job_with_one_of_them) {
    using namespace contract;
    auto one = co_await at_work(w);
    auto other = co_await at_work(w);
    std::vector<new_job> many;
    for (int i = 0; i < 40; ++i) many.push_back(named("job " + std::to_string(i)));
    co_await enqueue(w, one.queue, many);
    std::multiset<uuid> seen;
    const auto end = system_clock().steady_now() + seconds(20);
    while (seen.size() < many.size() && system_clock().steady_now() < end) {
        for (auto* worker : {&one, &other}) {
            const auto got = co_await worker->queue.claim(5);
            for (const auto& j : got) seen.insert(j.id);
            co_await finish(w, worker->queue, got, verdict::done);
        }
        if (seen.size() < many.size()) co_await one.work->wait_for(milliseconds(5));
    }
    EXPECT_EQ(seen.size(), many.size());
    EXPECT_EQ((std::set<uuid>(seen.begin(), seen.end()).size()), many.size());
    EXPECT_EQ((co_await one.queue.count()).waiting, 0);
}

JOB_TEST(wait_for_their_time) {
    using namespace contract;
    auto one = co_await at_work(w);
    co_await enqueue(w, one.queue, {named("later", hours), named("soon", soon)});
    const auto got = co_await one.next();
    EXPECT_EQ(got.size(), 1U);
    EXPECT_EQ(got.at(0).id, uuid::named("soon"));
    EXPECT_EQ((co_await one.queue.count()).waiting, 2);
}

JOB_TEST(are_tried_again_and_die_after_their_last_attempt_and_may_be_revived) {
    using namespace contract;
    auto one = co_await at_work(w, {.lease = hours, .attempts = 2, .delays = {soon}});
    co_await enqueue(w, one.queue, {named("a")});
    for (const int attempt : {1, 2}) {
        const auto got = co_await one.next();
        EXPECT_EQ(got.size(), 1U);
        EXPECT_EQ(got.at(0).attempt, attempt);
        const auto ended = co_await finish(w, one.queue, got, verdict::again, "away");
        EXPECT_EQ(ended.at(0).how, attempt == 1 ? verdict::again : verdict::dead);
    }
    EXPECT_TRUE((co_await one.queue.claim(10)).empty());
    const auto dead = co_await one.queue.dead(10);
    EXPECT_EQ(dead.size(), 1U);
    EXPECT_EQ(dead.at(0).error, "away");
    EXPECT_EQ(dead.at(0).attempts, 2);
    EXPECT_EQ((co_await one.queue.count()).dead, 1);
    EXPECT_EQ(co_await one.queue.revive(uuid::named("another")), 0);
    EXPECT_EQ(co_await one.queue.revive(uuid::named("a")), 1);
    const auto again = co_await one.next();
    EXPECT_EQ(again.at(0).attempt, 1);
}

JOB_TEST(that_are_given_up_are_dead_at_once_and_may_be_discarded) {
    using namespace contract;
    auto one = co_await at_work(w);
    co_await enqueue(w, one.queue, {named("a"), named("b")});
    for (std::size_t done = 0; done < 2;) {
        const auto got = co_await one.next();
        EXPECT_FALSE(got.empty());
        if (got.empty()) co_return;
        done += got.size();
        co_await finish(w, one.queue, got, verdict::dead, "no such address");
    }
    EXPECT_EQ((co_await one.queue.count()).dead, 2);
    EXPECT_EQ(co_await one.queue.discard(uuid::named("a")), 1);
    EXPECT_EQ(co_await one.queue.discard(std::nullopt), 1);
    EXPECT_EQ((co_await one.queue.count()).dead, 0);
}

JOB_TEST(that_no_worker_takes_are_overdue_and_others_are_not) {
    using namespace contract;
    auto one = co_await at_work(w);
    co_await enqueue(w, one.queue, {named("later", hours)});
    EXPECT_EQ((co_await one.queue.count()).overdue, milliseconds(0));
    co_await enqueue(w, one.queue, {named("now")});
    const auto end = system_clock().steady_now() + seconds(10);
    while ((co_await one.queue.count()).overdue == milliseconds(0) && system_clock().steady_now() < end) co_await one.work->wait_for(milliseconds(5));
    EXPECT_GT((co_await one.queue.count()).overdue, milliseconds(0));
    const auto got = co_await one.next();
    EXPECT_EQ(got.size(), 1U);
    EXPECT_EQ((co_await one.queue.count()).overdue, milliseconds(0)) << "it is a worker's, for hours";
    co_await finish(w, one.queue, got, verdict::done);
}

JOB_TEST(of_a_worker_that_is_too_slow_go_to_another_and_what_it_says_later_changes_nothing) {
    using namespace contract;
    auto one = co_await at_work(w, {.lease = soon, .attempts = 3, .delays = {soon}});
    co_await enqueue(w, one.queue, {named("a")});
    const auto slow = co_await one.next();
    one.queue.let_go(slow);
    const auto quick = co_await one.next();
    EXPECT_EQ(quick.size(), 1U);
    EXPECT_EQ(quick.at(0).attempt, 2);
    EXPECT_TRUE((co_await finish(w, one.queue, slow, verdict::done)).empty());
    EXPECT_EQ((co_await finish(w, one.queue, quick, verdict::done)).size(), 1U);
    EXPECT_EQ((co_await one.queue.count()).waiting, 0);
}

JOB_TEST(that_end_every_worker_are_dead_after_their_last_attempt) {
    using namespace contract;
    auto one = co_await at_work(w, {.lease = soon, .attempts = 2, .delays = {soon}});
    co_await enqueue(w, one.queue, {named("a")});
    for (const int attempt : {1, 2}) {
        const auto got = co_await one.next();
        EXPECT_EQ(got.size(), 1U);
        EXPECT_EQ(got.at(0).attempt, attempt);
        one.queue.let_go(got);
    }
    const auto end = system_clock().steady_now() + seconds(10);
    while ((co_await one.queue.count()).dead == 0 && system_clock().steady_now() < end) {
        EXPECT_TRUE((co_await one.queue.claim(10)).empty());
        co_await one.work->wait_for(milliseconds(5));
    }
    EXPECT_EQ((co_await one.queue.count()).dead, 1);
}

JOB_TEST(that_an_earlier_process_left_are_done_by_the_next) {
    using namespace contract;
    auto& before = w.make(patient);
    co_await enqueue(w, before, {named("a"), named("b")});
    auto after = co_await at_work(w);
    std::set<uuid> seen;
    for (auto got = co_await after.next(); !got.empty() && seen.size() < 2;) {
        for (const auto& j : got) seen.insert(j.id);
        co_await finish(w, after.queue, got, verdict::done);
        if (seen.size() < 2) got = co_await after.next();
    }
    EXPECT_EQ(seen.size(), 2U);
}

}  // namespace bv::jobs
