// Leases in a service's schema, as its role.
#include "platform/storage/postgres/lease_store.hpp"

#include <array>
#include <memory>

#include "platform/storage/lease_contract.hpp"
#include "platform/storage/postgres/migrations.hpp"
#include "platform/storage/postgres/scratch.hpp"

namespace bv::pg {
namespace {

constexpr std::array files{migration{"0001_leases.sql", "SELECT platform.create_leases('{{schema}}');"}};

class pg_lease_world final : public storage::lease_world {
public:
    pg_lease_world() {
        made_.migrate(std::array{migration_set{"platform", platform_migration_files()}, migration_set{"keeper", files}});
    }
    storage::lease_store& leases() override { return *store_; }
    storage::transactor& db() override { return *db_; }
    void run(std::function<task<void>(lease_world&)> body) override { testing::run(with_database(std::move(body))); }

private:
    // A database lives no longer than the threads that use it.
    task<void> with_database(std::function<task<void>(lease_world&)> body) {
        db_ = std::make_unique<database>(made_.options("bv_keeper"), system_clock());
        store_ = std::make_unique<lease_store>(*db_, "keeper");
        co_await body(*this);
        co_await db_->close();
        store_.reset();
        db_.reset();
    }
    testing::test_database made_ = testing::postgres::instance().database("leases");
    std::unique_ptr<database> db_;
    std::unique_ptr<lease_store> store_;
};

}  // namespace
}  // namespace bv::pg

namespace bv::storage {
namespace {
std::unique_ptr<lease_world> make_pg_lease_world() { return std::make_unique<pg::pg_lease_world>(); }
INSTANTIATE_TEST_SUITE_P(postgres, lease_contract, ::testing::Values(make_pg_lease_world));
}  // namespace
}  // namespace bv::storage
