// The store port in PostgreSQL: schema payment.
#pragma once

#include "domains/commerce/payment/app/ports.hpp"

namespace bv::payment {

// Stateless and thread-safe; its units of work are pg::transaction.
class postgres_store final : public store {
public:
    task<std::vector<payment>> lock(storage::unit_of_work&, std::vector<payment_id>) override;
    task<void> save(storage::unit_of_work&, const changes&, time_point now) override;

    task<std::vector<claimed_operation>> claim(storage::unit_of_work&, time_point now, time_point lease_end, int limit) override;
    task<void> hurry(storage::unit_of_work&, std::vector<std::string> keys, time_point now) override;
    task<std::optional<time_point>> next_due(storage::unit_of_work&) override;

    task<std::vector<booked_operation>> booked(storage::unit_of_work&, std::vector<std::string> keys) override;
    task<std::vector<booked_operation>> booked_between(storage::unit_of_work&, std::int64_t after, std::int64_t until, int limit) override;
    task<std::int64_t> reconciled_until(storage::unit_of_work&) override;
    task<void> set_reconciled_until(storage::unit_of_work&, std::int64_t sequence) override;
    task<std::vector<finding>> findings(storage::unit_of_work&, int limit) override;

    task<std::optional<stored_payment>> find(storage::unit_of_work&, payment_id) override;
    task<std::vector<stored_payment>> list(storage::unit_of_work&, payment_filter, std::optional<page_position> after, int limit) override;
    task<std::vector<ledger_entry>> entries(storage::unit_of_work&, entry_filter, std::int64_t after, int limit) override;
    task<std::vector<account_balance>> balances(storage::unit_of_work&) override;
};

}  // namespace bv::payment
