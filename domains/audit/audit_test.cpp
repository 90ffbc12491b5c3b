// The trail on a real PostgreSQL: what triggers record, what nobody can change, and what the contract shows of it.
#include <gtest/gtest.h>

#include <array>

#include "domains/audit/adapters/api.hpp"
#include "domains/audit/module.hpp"
#include "platform/events/migrations.hpp"
#include "platform/rpc/page_token.hpp"
#include "platform/storage/postgres/migrations.hpp"
#include "platform/testing/postgres_fixture.hpp"
#include "platform/testing/run.hpp"

namespace bv::audit {
namespace {

constexpr bv::embedded_file shop_files[]{{"0001_shop.sql", R"(
    CREATE TABLE {{schema}}.things (a int, b text, secret bytea, PRIMARY KEY (a, b));
    CREATE TABLE {{schema}}.steps (id int PRIMARY KEY, actor text NOT NULL, traceparent text NOT NULL);
    SELECT audit.track('{{schema}}.things', ARRAY['a', 'b'], redact => ARRAY['secret']);
    SELECT audit.track('{{schema}}.steps', ARRAY['id']);)"}};

class audit_trail : public ::testing::Test {
protected:
    audit_trail() : database_(testing::postgres::instance().database("audit")) {
        static const std::vector<pg::migration> platform = [] {
            std::vector<pg::migration> out;
            for (const auto& f : pg::platform_migration_files()) out.push_back(f);
            for (const auto& f : events::migration_files()) out.push_back(f);
            return out;
        }();
        const pg::migration_set sets[]{{"platform", platform}, {"log", {}}, service::migrations(), {"shop", shop_files}};
        database_.migrate(sets);
        shop_ = std::make_unique<pg::database>(database_.options("bv_shop"), system_clock());
        audit_ = std::make_unique<pg::database>(database_.options("bv_audit"), system_clock());
    }
    void run(task<void> t) { testing::run(then_close(std::move(t))); }
    task<void> then_close(task<void> t) {
        co_await std::move(t);
        co_await shop_->close();
        co_await audit_->close();
        shop_.reset();  // they end before the runtime that they used
        audit_.reset();
    }
    task<void> as(std::string actor, std::string sql) {
        storage::transaction_options o;
        o.identity.actor = std::move(actor);
        o.identity.traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        co_await shop_->run(o, [&](storage::unit_of_work& uow) { return pg::of(uow).execute(sql); });
    }
    task<contract::ListAuditEntriesResponse> list(contract::ListAuditEntriesRequest r) {
        api a(*audit_);
        rpc::context ctx;
        auto out = co_await a.list_audit_entries(ctx, std::move(r));
        EXPECT_TRUE(out);
        co_return out ? *out : contract::ListAuditEntriesResponse{};
    }

    testing::test_database database_;
    std::unique_ptr<pg::database> shop_, audit_;

public:
    task<void> every_row_leaves_an_entry() {
        co_await as("user:1", "INSERT INTO shop.things SELECT n, 'x', decode('00','hex') FROM generate_series(1, 3) n;"
                              "UPDATE shop.things SET secret = decode('01','hex') WHERE a > 1; DELETE FROM shop.things WHERE a = 3");
        contract::ListAuditEntriesRequest r;
        r.set_table("shop.things");
        r.set_row_key("3/x");
        const auto out = co_await list(r);
        EXPECT_EQ(out.entries_size(), 3);
        if (out.entries_size() != 3) co_return;
        EXPECT_EQ(out.entries(0).operation(), contract::AUDIT_OPERATION_DELETE);
        EXPECT_EQ(out.entries(1).operation(), contract::AUDIT_OPERATION_UPDATE);
        EXPECT_EQ(out.entries(2).operation(), contract::AUDIT_OPERATION_INSERT);
        EXPECT_EQ(out.entries(1).actor(), "user:1");
        EXPECT_EQ(out.entries(1).trace_id(), "4bf92f3577b34da6a3ce929d0e0e4736");
        const auto before = out.entries(1).old_values().fields().at("secret").string_value(), after = out.entries(1).new_values().fields().at("secret").string_value();
        EXPECT_EQ(before.size(), 64u);  // SHA-256, not the value
        EXPECT_NE(before, after);
        EXPECT_EQ(out.entries(0).old_values().fields().at("a").number_value(), 3);
    }

    task<void> a_rolled_back_change_leaves_none() {
        try {
            co_await as("user:1", "INSERT INTO shop.things VALUES (1, 'x', NULL); SELECT 1 / 0");
        } catch (const failure&) {
            // The division, as it should.
        }
        EXPECT_EQ((co_await list({})).entries_size(), 0);
    }

    task<void> a_row_names_its_own_actor() {
        co_await as("service:batch", "INSERT INTO shop.steps VALUES (1, 'user:7', '00-11111111111111111111111111111111-2222222222222222-01')");
        const auto out = co_await list({});
        EXPECT_EQ(out.entries_size(), 1);
        EXPECT_EQ(out.entries(0).actor(), "user:7");
        EXPECT_EQ(out.entries(0).trace_id(), std::string(32, '1'));
    }

    task<void> nobody_changes_history() {
        co_await as("user:1", "INSERT INTO shop.things VALUES (1, 'x', NULL)");
        for (const char* sql : {"DELETE FROM audit.entries", "UPDATE audit.entries SET actor = 'x'", "INSERT INTO audit.entries (table_name, row_key, operation, actor) VALUES ('x', 'x', 1, 'x')",
                                "TRUNCATE audit.entries"})
            for (auto* db : {shop_.get(), audit_.get()}) {
                std::string state;
                try {
                    co_await db->run({}, [&](storage::unit_of_work& uow) { return pg::of(uow).execute(sql); });
                } catch (const pg::sql_error& e) {
                    state = e.sqlstate();
                }
                EXPECT_EQ(state, "42501") << sql;
            }
        EXPECT_EQ((co_await list({})).entries_size(), 1);
    }

    task<void> pages_hold_each_entry_once() {
        co_await as("user:1", "INSERT INTO shop.things SELECT n, 'x', NULL FROM generate_series(1, 25) n");
        contract::ListAuditEntriesRequest r;
        r.set_page_size(10);
        r.set_actor("user:1");
        std::vector<std::int64_t> ids;
        for (int pages = 0; pages < 5; ++pages) {
            const auto out = co_await list(r);
            for (const auto& e : out.entries()) ids.push_back(e.id());
            if (out.next_page_token().empty()) break;
            r.set_page_token(out.next_page_token());
        }
        EXPECT_EQ(ids.size(), 25u);
        EXPECT_TRUE(std::ranges::is_sorted(ids, std::greater{}));
    }

    // Its check is no secret: whoever reads the trail can make one.
    task<void> a_made_up_token_is_refused() {
        api a(*audit_);
        for (const char* position : {"x", "9999999999999999999999", "1 OR true"}) {
            contract::ListAuditEntriesRequest r;
            r.set_page_token(rpc::page_token("audit?{}", std::array{std::string(position)}));
            rpc::context ctx;
            const auto out = co_await a.list_audit_entries(ctx, r);
            EXPECT_FALSE(out) << position;
            if (!out) EXPECT_EQ(out.error().violations.at(0).field, "pageToken");
        }
    }

    task<void> partitions_are_made_once() {
        EXPECT_EQ(co_await ensure_partitions(*audit_, 3), 0);  // the migration made them
        EXPECT_EQ(co_await ensure_partitions(*audit_, 5), 2);
        EXPECT_EQ(co_await ensure_partitions(*audit_, 5), 0);
    }
};

TEST_F(audit_trail, records_every_row_with_actor_trace_and_both_images) { run(every_row_leaves_an_entry()); }
TEST_F(audit_trail, records_nothing_of_what_was_rolled_back) { run(a_rolled_back_change_leaves_none()); }
TEST_F(audit_trail, believes_a_row_that_names_its_actor) { run(a_row_names_its_own_actor()); }
TEST_F(audit_trail, cannot_be_changed_by_any_service) { run(nobody_changes_history()); }
TEST_F(audit_trail, is_paged_without_gaps) { run(pages_hold_each_entry_once()); }
TEST_F(audit_trail, refuses_a_page_that_is_made_up) { run(a_made_up_token_is_refused()); }
TEST_F(audit_trail, makes_partitions_ahead) { run(partitions_are_made_once()); }

}  // namespace
}  // namespace bv::audit
