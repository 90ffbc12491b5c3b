// Migrations: order, checksums, concurrency, and that a service's role sees nothing but its own schema.
#include "platform/storage/postgres/migrations.hpp"

#include <array>

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <fmt/format.h>

#include "platform/storage/postgres/scratch.hpp"

namespace bv::pg {
namespace {

using namespace scratch;
using namespace asio::experimental::awaitable_operators;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr std::array orders_files{migration{"0001_orders.sql", "CREATE TABLE {{schema}}.orders (id int8 PRIMARY KEY, note text NOT NULL);\n"
                                                               "CREATE TABLE lines (id bigserial PRIMARY KEY);"},
                                  migration{"0002_note.sql", "ALTER TABLE orders ADD COLUMN paid boolean NOT NULL DEFAULT false;\n"
                                                             "CREATE FUNCTION orders_count() RETURNS int8 LANGUAGE sql STABLE AS 'SELECT count(*) FROM orders';"}};
constexpr std::array stock_files{migration{"0001_stock.sql", "CREATE TABLE stock (sku text PRIMARY KEY, quantity int8 NOT NULL CHECK (quantity >= 0))"}};

struct sets {
    std::array<migration_set, 3> all{migration_set{"platform", platform_migration_files()}, migration_set{"orders", orders_files}, migration_set{"stock", stock_files}};
};

using applied = std::vector<std::string>;

task<void> migrate_all(database& db, std::span<const migration_set> all, applied* out) {
    co_await migrate(
        db, all, [](std::string_view) { return std::string(testing::postgres::role_password); },
        [out](const migration_progress& p) {
            if (out != nullptr && p.applied) out->push_back(fmt::format("{}/{}", p.service, p.file));
        });
}

class migrations : public ::testing::Test {
protected:
    testing::test_database fresh = testing::postgres::instance().database("migrations");
    void migrate_now(std::span<const migration_set> all, applied* out = nullptr) {
        with_database([&](database& db) { return migrate_all(db, all, out); }, fresh.admin_options());
    }
    error refusal(std::span<const migration_set> all) {
        try {
            migrate_now(all);
        } catch (const failure& e) {
            return e.error();
        }
        ADD_FAILURE() << "it was not refused";
        return {};
    }
};

TEST_F(migrations, are_applied_once_in_order) {
    applied first, second;
    migrate_now(sets{}.all, &first);
    EXPECT_THAT(first, ElementsAre("platform/0001_leases.sql", "platform/0001_platform.sql", "platform/0001_platform_jobs.sql", "orders/0001_orders.sql", "orders/0002_note.sql", "stock/0001_stock.sql"));
    migrate_now(sets{}.all, &second);
    EXPECT_THAT(second, ElementsAre());
}

TEST_F(migrations, are_refused_when_an_applied_file_has_changed) {
    migrate_now(sets{}.all);
    constexpr std::array changed{migration{"0001_stock.sql", "CREATE TABLE stock (sku text)"}};
    const std::array all{migration_set{"stock", changed}};
    const auto e = refusal(all);
    EXPECT_EQ(e.code, code::failed_precondition);
    EXPECT_EQ(e.reason, "MIGRATION_CHANGED");
    EXPECT_THAT(e.message, HasSubstr("0001_stock.sql"));
}

TEST_F(migrations, are_refused_when_the_database_is_ahead_of_the_program) {
    migrate_now(sets{}.all);
    const std::array all{migration_set{"orders", std::span(orders_files).first(1)}};
    const auto e = refusal(all);
    EXPECT_EQ(e.reason, "MIGRATION_MISSING");
    EXPECT_THAT(e.message, HasSubstr("0002_note.sql"));
}

TEST_F(migrations, leave_nothing_of_a_file_that_fails) {
    constexpr std::array bad{migration{"0001_bad.sql", "CREATE TABLE made (n int8); SELECT 1 / 0"}};
    const std::array all{migration_set{"stock", bad}};
    const auto e = refusal(all);
    EXPECT_THAT(e.message, HasSubstr("0001_bad.sql of stock"));
    constexpr std::array good{migration{"0001_bad.sql", "CREATE TABLE made (n int8)"}};
    const std::array mended{migration_set{"stock", good}};
    migrate_now(mended);
}

TEST_F(migrations, are_refused_out_of_order_or_for_a_name_that_is_no_schema) {
    constexpr std::array disordered{migration{"0002_b.sql", ""}, migration{"0001_a.sql", ""}};
    EXPECT_EQ(refusal(std::array{migration_set{"stock", disordered}}).reason, "MIGRATION_ORDER");
    EXPECT_EQ(refusal(std::array{migration_set{"stock; DROP", {}}}).reason, "MIGRATION_NAME");
}

task<void> migrate_twice_at_once(database& db, applied* out) {
    const sets s;
    co_await (migrate_all(db, s.all, out) && migrate_all(db, s.all, out) && migrate_all(db, s.all, out));
}

TEST_F(migrations, by_several_at_once_are_applied_once) {
    applied all;
    with_database([&](database& db) { return migrate_twice_at_once(db, &all); }, fresh.admin_options());
    EXPECT_THAT(all, ::testing::UnorderedElementsAre("platform/0001_leases.sql", "platform/0001_platform.sql", "platform/0001_platform_jobs.sql", "orders/0001_orders.sql", "orders/0002_note.sql", "stock/0001_stock.sql"));
}

task<void> expect_isolated(database& orders) {
    static constexpr statement own{"isolated.own", "INSERT INTO orders.orders (id, note) VALUES (1, 'x') RETURNING id"};
    static constexpr statement own_sequence{"isolated.sequence", "INSERT INTO orders.lines DEFAULT VALUES"};
    static constexpr statement own_function{"isolated.function", "SELECT orders.orders_count()"};
    static constexpr statement platform{"isolated.platform", "SELECT platform.sees_all_customers()"};
    co_await orders.query(own);
    co_await orders.query(own_sequence);
    EXPECT_EQ((co_await orders.query(own_function)).front().get<std::int64_t>(0), 1);
    EXPECT_FALSE((co_await orders.query(platform)).front().get<bool>(0));
    for (const std::string_view forbidden :
         {"SELECT * FROM stock.stock", "INSERT INTO stock.stock VALUES ('a', 1)", "CREATE TABLE orders.other (n int8)", "DROP TABLE orders.lines", "CREATE TABLE public.other (n int8)",
          "SELECT * FROM bv_migrations.applied", "TRUNCATE orders.orders", "CREATE SCHEMA other", "CREATE ROLE other", "SET ROLE bv_stock", "SELECT * FROM pg_authid"}) {
        const auto e = co_await failure_of(sql(orders, std::string(forbidden)));
        EXPECT_TRUE(e.code == code::permission_denied || e.code == code::internal) << forbidden << ": " << e.message;
        EXPECT_THAT(e.message, ::testing::AnyOf(HasSubstr("permission denied"), HasSubstr("must be owner"))) << forbidden;
    }
}

TEST_F(migrations, give_a_services_role_its_own_schema_and_nothing_else) {
    migrate_now(sets{}.all);
    with_database(expect_isolated, fresh.options("bv_orders"));
}

constexpr std::array letters_files{migration{"0001_letters.sql", "CREATE TABLE letters (customer_id uuid NOT NULL, text text NOT NULL);\n"
                                                                 "SELECT platform.protect_customer_rows('{{schema}}', 'letters');"}};
constexpr statement insert_letter{"letters.insert", "INSERT INTO letters.letters VALUES ($1, $2)"};
constexpr statement all_letters{"letters.all", "SELECT text FROM letters.letters ORDER BY text"};

task<std::vector<std::string>> letters_of(database& db, storage::identity who) {
    const auto found = co_await db.query_as(std::move(who), all_letters);
    std::vector<std::string> out;
    for (const auto row : found) out.push_back(row.get<std::string>(0));
    co_return out;
}

task<void> expect_own_rows(database& db) {
    const auto ada = uuid::named("ada"), bob = uuid::named("bob");
    const auto everyone = storage::system_identity("service:letters");
    co_await db.query_as(everyone, insert_letter, params(ada, "to ada"));
    co_await db.query_as(everyone, insert_letter, params(bob, "to bob"));
    EXPECT_THAT(co_await letters_of(db, everyone), ElementsAre("to ada", "to bob"));
    EXPECT_THAT(co_await letters_of(db, {"user:ada", ada}), ElementsAre("to ada"));
    EXPECT_THAT(co_await letters_of(db, {"user:nobody"}), ElementsAre());
    EXPECT_TRUE((co_await db.query(all_letters)).empty()) << "without an identity nothing is visible";
    const auto e = co_await failure_of(ignore(db.query_as({"user:ada", ada}, insert_letter, params(bob, "forged"))));
    EXPECT_EQ(e.code, code::permission_denied);
}

TEST_F(migrations, row_level_security_binds_the_services_role) {
    migrate_now(std::array{migration_set{"platform", platform_migration_files()}, migration_set{"letters", letters_files}});
    with_database(expect_own_rows, fresh.options("bv_letters"));
}

}  // namespace
}  // namespace bv::pg
