// The store port over tables in memory. For simulation and tests; one thread.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "domains/commerce/payment/app/ports.hpp"
#include "platform/storage/memory/table.hpp"

namespace bv::payment {

// What the schema `payment` holds.
struct memory_books {
    struct operation_row {
        booked_operation b;
        int attempts = 0;
        time_point due{};
    };
    struct refund_row {
        refund value;
        time_point created{};
    };
    memory::table<payment_id, stored_payment> payments{};  // without their refunds
    memory::table<std::pair<payment_id, std::string>, refund_row> refunds{};
    memory::table<std::string, operation_row> operations{};
    memory::table<std::int64_t, ledger_entry> entries{};
    memory::table<std::pair<uuid, std::string>, std::int64_t> booked_accounts{};  // an operation is booked once
    memory::table<std::pair<std::string, std::string>, finding> findings{};
    memory::table<int, std::int64_t> reconciled{};  // row 0: how far
    std::int64_t entries_drawn = 0;
};

class memory_store final : public store {
public:
    explicit memory_store(memory_books& b) : books_(b) {}

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

private:
    task<void> save_payments(memory::transaction&, const changes&, time_point now);
    task<void> save_operations(memory::transaction&, const changes&, time_point now);
    task<void> update_operations(memory::transaction&, const changes&, time_point now);
    task<void> insert_entries(memory::transaction&, const ledger_transaction&, time_point now);
    void add_refunds(const memory::transaction&, payment&) const;

    memory_books& books_;
};

}  // namespace bv::payment
