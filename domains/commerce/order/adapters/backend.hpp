// The stores that tests run over: in memory, and on a private PostgreSQL. Included by tests only.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "domains/audit/module.hpp"
#include "domains/commerce/order/adapters/memory_stores.hpp"
#include "domains/commerce/order/adapters/postgres_event_store.hpp"
#include "domains/commerce/order/adapters/postgres_projection_store.hpp"
#include "domains/commerce/order/adapters/postgres_saga_store.hpp"
#include "domains/commerce/order/app/environment.hpp"
#include "domains/commerce/order/module.hpp"
#include "platform/events/memory_log_storage.hpp"
#include "platform/events/migrations.hpp"
#include "platform/events/pg_outbox.hpp"
#include "platform/testing/fake_clock.hpp"
#include "platform/testing/postgres_fixture.hpp"
#include "platform/testing/run.hpp"

namespace bv::order::testing {

class backend {
public:
    virtual ~backend() = default;
    [[nodiscard]] virtual const environment& env() = 0;
    // What the outbox holds, oldest first.
    virtual task<std::vector<bv::events::event>> published() = 0;
    // Before the runtime that the tests ran on ends.
    virtual task<void> close() = 0;

    bv::testing::fake_clock clock;
    seeded_rng rng{42};
};

class memory_backend final : public backend {
public:
    const environment& env() override { return env_; }
    task<std::vector<bv::events::event>> published() override {
        std::vector<bv::events::event> out;
        schema_.outbox.each_committed([&out](std::int64_t, const bv::events::event& e) { out.push_back(e); });
        co_return out;
    }
    task<void> close() override { co_return; }

private:
    memory::database database_;
    memory::client db_{database_, system_clock(), rng};
    memory_orders tables_;
    memory_event_store streams_{tables_};
    memory_saga_store sagas_{tables_};
    memory_projection_store projections_{tables_};
    bv::events::memory_schema schema_;
    bv::events::memory_outbox outbox_{schema_, "orders", clock};
    environment env_{clock, rng, db_, streams_, sagas_, projections_, outbox_, {}};
};

class postgres_backend final : public backend {
public:
    postgres_backend() : where_(bv::testing::postgres::instance().database("orders")) {
        std::vector<pg::migration> platform;
        for (const auto& f : pg::platform_migration_files()) platform.push_back(f);
        for (const auto& f : bv::events::migration_files()) platform.push_back(f);
        const pg::migration_set sets[]{{"log", {}}, {"platform", platform}, audit::service::migrations(), service::migrations()};
        where_.migrate(sets);
        db_ = std::make_unique<pg::database>(where_.options("bv_orders"), system_clock());
        admin_ = std::make_unique<pg::database>(where_.admin_options(), system_clock());
        env_ = std::make_unique<environment>(environment{clock, rng, *db_, streams_, sagas_, projections_, outbox_, {}});
    }
    const environment& env() override { return *env_; }
    pg::database& db() { return *db_; }
    pg::database& admin() { return *admin_; }
    task<std::vector<bv::events::event>> published() override {
        static constexpr pg::statement all{"test.outbox", "SELECT position, id, type, key, traceparent, actor, payload FROM orders.outbox ORDER BY position"};
        std::vector<bv::events::event> out;
        for (const auto r : co_await admin_->query(all))
            out.push_back({r.get<std::int64_t>(0), "orders", r.get<uuid>(1), r.get<std::string>(2), r.get<std::string>(3), {},
                           r.get<std::string>(4), r.get<std::string>(5), r.get<pg::bytes>(6).data});
        co_return out;
    }
    task<void> close() override {
        co_await db_->close();
        co_await admin_->close();
    }

private:
    bv::testing::test_database where_;
    std::unique_ptr<pg::database> db_, admin_;
    postgres_event_store streams_;
    postgres_saga_store sagas_;
    postgres_projection_store projections_;
    bv::events::pg_outbox outbox_{"orders"};
    std::unique_ptr<environment> env_;
};

// Runs body(backend) on a fresh store of the parameter's kind.
class over_backends : public ::testing::TestWithParam<std::string> {
protected:
    void SetUp() override {
        if (GetParam() == "memory")
            backend_ = std::make_unique<memory_backend>();
        else
            backend_ = std::make_unique<postgres_backend>();
    }
    using body = task<void> (*)(backend&);
    void run(body b) { bv::testing::run(closing(*backend_, b)); }

private:
    static task<void> closing(backend& over, body b) {
        co_await b(over);
        co_await over.close();
    }
    std::unique_ptr<backend> backend_;
};

}  // namespace bv::order::testing
