// The migrations that the payment service's tests need.
#pragma once

#include <array>
#include <vector>

#include "domains/audit/module.hpp"
#include "platform/events/migrations.hpp"
#include "platform/storage/postgres/migrations.hpp"
#include "platform/testing/postgres_fixture.hpp"

namespace bv::payment {
std::span<const bv::embedded_file> migration_files();
}

namespace bv::payment::testing {

inline pg::migration_set platform_set() {
    static const std::vector<embedded_file> files = [] {
        const auto a = pg::platform_migration_files();
        const auto b = events::migration_files();
        std::vector<embedded_file> all(a.begin(), a.end());
        all.insert(all.end(), b.begin(), b.end());
        return all;
    }();
    return {"platform", files};
}

inline bv::testing::test_database migrated_database() {
    auto db = bv::testing::postgres::instance().database("payment");
    const std::array sets{pg::migration_set{"log", {}}, platform_set(), audit::service::migrations(), pg::migration_set{"payment", migration_files()}};
    db.migrate(sets);
    return db;
}

}  // namespace bv::payment::testing
