// The order service's transactions on PostgreSQL: two writers of one version of a stream are told apart by its primary key, and
// the one who comes second is told so in the service's own terms.
//
// The error may surface at the commit: an append needs no round trip of its own, and what travels behind it, the outbox and the commit
// too, is skipped by the server when it fails.
#pragma once

#include <functional>
#include <utility>

#include "domains/commerce/order/app/errors.hpp"
#include "platform/storage/postgres/database.hpp"

namespace bv::order {

class postgres_transactor final : public storage::transactor {
public:
    explicit postgres_transactor(storage::transactor& db) : db_(db) {}

    task<void> run(storage::transaction_options options, std::function<task<void>(storage::unit_of_work&)> work) override {
        try {
            co_await db_.run(std::move(options), std::move(work));
            co_return;
        } catch (const pg::sql_error& e) {
            if (!e.is_unique_violation() || e.constraint() != "events_pkey") throw;
        }
        throw order_changed();
    }

private:
    storage::transactor& db_;
};

}  // namespace bv::order
