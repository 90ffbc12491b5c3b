#include "platform/events/pg_log_world.hpp"

#include <array>
#include <deque>
#include <mutex>

#include "platform/events/migrations.hpp"

namespace bv::events {
namespace {

constexpr std::array maker_files{embedded_file{"0001_maker.sql", "SELECT platform.create_outbox('{{schema}}');"}};
constexpr std::array taker_files{embedded_file{"0001_taker.sql", R"(
    SELECT platform.create_consumer('{{schema}}');
    SELECT platform.create_leases('{{schema}}');
    CREATE TABLE taker.effect (
        n          bigserial PRIMARY KEY,
        group_name text NOT NULL,
        id         uuid NOT NULL,
        key        text NOT NULL,
        payload    bytea NOT NULL,
        actor      text NOT NULL DEFAULT current_setting('bv.actor', true)
    );
    GRANT SELECT, INSERT ON taker.effect TO bv_taker;
    GRANT USAGE ON SEQUENCE taker.effect_n_seq TO bv_taker;)"}};

constexpr pg::statement insert_effect{"test.insert_effect",
                                      "INSERT INTO taker.effect (group_name, id, key, payload) VALUES ($1, $2, $3, $4)"};
constexpr pg::statement all_effects{"test.all_effects",
                                    "SELECT id, key, payload, actor FROM taker.effect WHERE group_name = $1 ORDER BY n"};
constexpr pg::statement dead_count{"test.dead_count", R"(
    SELECT count(*) FROM taker.dead_letter WHERE group_name = $1 AND state IN ('failed', 'blocked'))"};

testing::test_database migrated() {
    auto database = testing::postgres::instance().database("events");
    std::vector<embedded_file> platform(pg::platform_migration_files().begin(), pg::platform_migration_files().end());
    platform.insert(platform.end(), migration_files().begin(), migration_files().end());
    const std::array sets{pg::migration_set{"log", {}}, pg::migration_set{"platform", platform},
                          pg::migration_set{"maker", maker_files}, pg::migration_set{"taker", taker_files}};
    database.migrate(sets);
    return database;
}

task<void> execute_in(storage::unit_of_work* uow, std::string sql) { co_await pg::of(*uow).execute(std::move(sql)); }

}  // namespace

embedded_log_options pg_log_world::fast() {
    embedded_log_options o;
    o.tail.poll_max = milliseconds(50);
    o.leases.life = milliseconds(900);
    return o;
}

pg_log_world::pg_log_world(embedded_log_options o, bool leased)
    : options_(o),
      database_(migrated()),
      admin_(database_.admin_options(), system_clock()),
      maker_(database_.options("bv_maker"), system_clock()),
      taker_(database_.options("bv_taker"), system_clock()),
      reader_(database_.options("bv_log"), system_clock()),
      leased_(leased) {
    runtime_.start();
}

pg_log_world::~pg_log_world() {
    for (std::size_t core = 0; core < runtime_.cores(); ++core)
        for (auto* d : {&admin_, &maker_, &taker_, &reader_}) runtime_.block_on(d->close(), core);
    runtime_.stop();
    runtime_.join();
}

std::unique_ptr<embedded_log> pg_log_world::make_embedded(embedded_log_options o) {
    return std::make_unique<embedded_log>(runtime_, reader_, o);
}

task<void> pg_log_world::remember(storage::unit_of_work& uow, std::string group, event e) {
    co_await pg::of(uow).query(insert_effect, pg::params(group, e.id, e.key, pg::bytes{e.payload}));
}

task<std::vector<effect>> pg_log_world::effects(std::string group) {
    const auto found = co_await taker_.query(all_effects, pg::params(group));
    std::vector<effect> out;
    for (auto row : found)
        out.push_back({row.get<uuid>(0), row.get<std::string>(1), row.get<pg::bytes>(2).data, row.get<std::string>(3)});
    co_return out;
}

task<std::int64_t> pg_log_world::unresolved_dead_letters(std::string group) {
    const auto found = co_await taker_.query(dead_count, pg::params(group));
    co_return found.front().get<std::int64_t>(0);
}

void pg_log_world::execute(std::string statements) {
    runtime_.block_on(admin_.run({}, [&](storage::unit_of_work& uow) { return execute_in(&uow, statements); }));
}

std::int64_t pg_log_world::number(const std::string& query) {
    // A statement's text is static: queries of tests are few.
    static std::mutex mutex;
    static std::deque<std::pair<std::string, std::string>> kept;
    std::unique_lock lock(mutex);
    auto it = std::ranges::find(kept, query, [](const auto& k) { return k.second; });
    if (it == kept.end()) it = kept.insert(kept.end(), {"test.number_" + std::to_string(kept.size()), query});
    const pg::statement s{it->first, it->second};
    lock.unlock();
    return runtime_.block_on(admin_.query(s)).front().get<std::int64_t>(0);
}

}  // namespace bv::events
