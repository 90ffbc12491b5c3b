// A producer's transaction that a test keeps open between its append and its commit.
#pragma once

#include <future>
#include <memory>
#include <string>
#include <vector>

#include "platform/events/log_world.hpp"
#include "platform/runtime/scope.hpp"
#include "platform/runtime/waiter.hpp"
#include "platform/storage/postgres/database.hpp"

namespace bv::events {

class held_transaction {
public:
    // Returns once the events are inserted and their positions drawn.
    held_transaction(log_world& w, std::vector<outgoing> events) : world_(w) {
        const auto shared = state_;
        scope_.spawn(world_.cores().context(0).get_executor(), run(&world_, std::move(events), shared));
        shared->inserted.get_future().get();
    }
    ~held_transaction() { commit(); }
    // To be appended between the release and the commit; before commit().
    void then(std::vector<outgoing> more) { state_->more = std::move(more); }
    // False when the commit failed.
    bool commit() {
        state_->release->wake();
        world_.cores().block_on(scope_.join());
        return state_->committed;
    }

private:
    struct state {
        std::promise<void> inserted;
        std::shared_ptr<waiter> release = waiter::make();
        std::vector<outgoing> more{};
        bool committed = false;
    };
    static task<void> work(log_world* w, storage::unit_of_work* uow, std::vector<outgoing> events, std::shared_ptr<state> s) {
        static constexpr pg::statement flush{"test.flush", "SELECT pg_current_xact_id() IS NULL"};  // at work, whatever it appends
        co_await w->box().append(*uow, std::move(events));
        co_await pg::of(*uow).query(flush);
        s->inserted.set_value();
        co_await s->release->wait();
        co_await w->box().append(*uow, s->more);
    }
    static task<void> run(log_world* w, std::vector<outgoing> events, std::shared_ptr<state> s) {
        try {
            co_await w->producer().run({}, [&](storage::unit_of_work& uow) { return work(w, &uow, events, s); });
            s->committed = true;
        } catch (const failure&) {
            // Its outcome is in committed.
        }
    }

    log_world& world_;
    scope scope_{"test"};
    std::shared_ptr<state> state_ = std::make_shared<state>();
};

}  // namespace bv::events
