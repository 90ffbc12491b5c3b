// The store port in memory. Units of work are those of memory_database. One thread.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "domains/commerce/payment/app/ports.hpp"

namespace bv::payment {

class memory_store final : public store {
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

private:
    struct operation_row {
        booked_operation b;
        int attempts = 0;
        time_point due{};
    };
    template <class Map>
    void put(storage::unit_of_work&, Map& map, const typename Map::key_type& key, typename Map::mapped_type value);
    void insert(storage::unit_of_work&, const ledger_transaction&, time_point now);

    std::map<payment_id, stored_payment> payments_;
    std::map<std::string, operation_row> operations_;
    std::map<std::int64_t, ledger_entry> entries_;
    std::map<std::pair<std::string, std::string>, finding> findings_;
    std::int64_t reconciled_until_ = 0;
};

}  // namespace bv::payment
