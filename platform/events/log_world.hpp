// What every event log must do, whatever carries the events. An adapter's test provides a log_world and says
//
//   INSTANTIATE_TEST_SUITE_P(embedded, log_contract, ::testing::Values(make_pg_world));
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "platform/core/error.hpp"
#include "platform/events/log.hpp"
#include "platform/events/outbox.hpp"
#include "platform/runtime/runtime.hpp"

namespace bv::events {

// One effect of a group, as its store shows it.
struct effect {
    uuid id;
    std::string key, payload;
    std::string actor;  // of the transaction that made it
};

// A producer, a consumer's store and the means to start logs on them. Fresh for each test.
class log_world {
public:
    virtual ~log_world() = default;
    virtual runtime& cores() = 0;
    // A new instance, as another process would have it; of the world's source and consumer.
    virtual std::unique_ptr<log> make_log() = 0;
    virtual std::string source() = 0;
    virtual std::string consumer() = 0;
    virtual storage::transactor& producer() = 0;
    virtual storage::transactor& store() = 0;
    virtual outbox& box() = 0;
    // Where the groups' instances take turns; null: all work at the same time.
    virtual storage::lease_store* leases() { return nullptr; }
    // Remembers that the group applied the event, in the unit of work.
    virtual task<void> remember(storage::unit_of_work&, std::string group, event) = 0;
    // What the group's committed effects are, in the order they were made.
    virtual task<std::vector<effect>> effects(std::string group) = 0;
    virtual task<std::int64_t> unresolved_dead_letters(std::string group) = 0;
};

inline constexpr std::string_view test_type = "test.v1.Happened";

inline outgoing an_event(std::string key, int n, std::string type = std::string(test_type)) {
    return {uuid::v7(system_clock(), system_rng()), std::move(type), key, key + ":" + std::to_string(n)};
}

namespace contract {

inline task<void> append(log_world* w, storage::unit_of_work* uow, std::vector<outgoing> events) {
    co_await w->box().append(*uow, std::move(events));
}
// One transaction.
inline void publish(log_world& w, std::vector<outgoing> events) {
    storage::transaction_options o;
    o.identity = storage::system_identity("service:" + w.source());
    w.cores().block_on(w.producer().run(o, [&](storage::unit_of_work& uow) { return append(&w, &uow, events); }));
}
// n events of each key, each key's in order, one transaction for each n.
inline void publish(log_world& w, const std::vector<std::string>& keys, int first, int last) {
    for (int n = first; n <= last; ++n) {
        std::vector<outgoing> some;
        for (const auto& key : keys) some.push_back(an_event(key, n));
        publish(w, std::move(some));
    }
}

inline std::vector<effect> effects(log_world& w, const std::string& group) { return w.cores().block_on(w.effects(group)); }
inline std::size_t count(log_world& w, const std::string& group) { return effects(w, group).size(); }

// Waits for what must come; the limit only ends a broken test.
inline bool eventually(const std::function<bool()>& holds) {
    for (int i = 0; i < 6'000; ++i) {
        if (holds()) return true;
        std::this_thread::sleep_for(milliseconds(5));
    }
    return false;
}

// Every event of each key exactly once and in order: payloads are "key:1", "key:2", …
inline void expect_complete(const std::vector<effect>& all, const std::vector<std::string>& keys, int last) {
    std::map<std::string, int> seen;
    for (const auto& e : all) EXPECT_EQ(e.payload, e.key + ":" + std::to_string(++seen[e.key]));
    for (const auto& key : keys) EXPECT_EQ(seen[key], last) << key;
    EXPECT_EQ(seen.size(), keys.size());
}

inline task<void> remember_all(log_world* w, storage::unit_of_work* uow, std::string group, std::vector<event> batch) {
    for (auto& e : batch) co_await w->remember(*uow, group, std::move(e));
}
// Remembers, and then throws what `broken` says about the batch: after the effect and before the commit.
using fault = std::function<std::optional<error>(std::span<const event>)>;
inline task<void> remember_or_fail(log_world* w, storage::unit_of_work* uow, std::string group, std::vector<event> batch, fault broken) {
    const auto why = broken ? broken(batch) : std::nullopt;
    co_await remember_all(w, uow, std::move(group), std::move(batch));
    if (why) throw failure(*why);
}

inline subscription subscribed(log_world& w, std::string group, fault broken = {}) {
    subscription s;
    s.group = group;
    s.source = w.source();
    s.consumer = w.consumer();
    s.store = &w.store();
    s.leases = w.leases();
    s.retry = {.attempts = 3, .first_delay = milliseconds(1), .max_delay = milliseconds(5)};
    s.handler = [&w, group, broken](storage::unit_of_work& uow, std::span<const event> batch) {
        return remember_or_fail(&w, &uow, group, {batch.begin(), batch.end()}, broken);
    };
    return s;
}

// A started log, stopped at the end.
class running {
public:
    running(log_world& w, std::vector<subscription> all) : world_(w), log_(w.make_log()) {
        for (auto& s : all) log_->subscribe(std::move(s));
        world_.cores().block_on(log_->start());
    }
    ~running() { stop(); }
    void stop() {
        if (log_) world_.cores().block_on(log_->stop());
        log_.reset();
    }
    log& operator*() { return *log_; }
    log* operator->() { return log_.get(); }

private:
    log_world& world_;
    std::unique_ptr<log> log_;
};

}  // namespace contract

}  // namespace bv::events
