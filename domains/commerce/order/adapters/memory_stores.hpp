// The order service's stores in memory, over memory_database's transactions. One thread.
#pragma once

#include <map>
#include <set>

#include "domains/commerce/order/app/ports.hpp"

namespace bv::order {

class memory_event_store final : public event_store {
public:
    task<void> lock(storage::unit_of_work&, std::vector<order_id>) override;
    task<std::vector<order>> load(storage::unit_of_work&, std::vector<order_id>) override;
    task<void> append(storage::unit_of_work&, std::vector<append_entry>) override;
    task<std::vector<stored_event>> read(storage::unit_of_work&, order_id, std::int64_t after, std::int64_t limit) override;
    task<std::vector<event_stream>> scan(storage::unit_of_work&, order_id after, std::int64_t limit) override;
    task<void> claim(storage::unit_of_work&, std::vector<external_reference>) override;
    task<std::vector<external_reference>> find_claimed(storage::unit_of_work&, std::vector<external_reference>) override;
    task<std::vector<order_id>> find_by_reference(storage::unit_of_work&, std::optional<customer_id>, std::string text) override;

    // The version that a stream is at, whoever asks.
    [[nodiscard]] std::int64_t head(order_id) const;
    [[nodiscard]] bool visible(const storage::unit_of_work&, order_id) const;

private:
    struct stream {
        customer_id customer;
        std::vector<stored_event> events;
    };
    std::map<order_id, stream> streams_;
    std::map<order_id, std::string> snapshots_;  // as they are stored, so that their codec is exercised
    std::map<std::pair<customer_id, std::string>, order_id> references_;
};

class memory_saga_store final : public saga_store {
public:
    task<void> save(storage::unit_of_work&, std::vector<saga_step>) override;
    task<std::vector<saga_step>> find_overdue(storage::unit_of_work&, instant now, std::int64_t limit) override;
    task<std::int64_t> count_open(storage::unit_of_work&) override;

private:
    std::map<order_id, saga_step> steps_;
};

class memory_projection_store final : public projection_store {
public:
    explicit memory_projection_store(const memory_event_store& streams) : streams_(streams) {}

    task<void> lock(storage::unit_of_work&) override;
    task<void> project(storage::unit_of_work&, std::vector<projected_order>) override;
    task<void> clear(storage::unit_of_work&) override;
    task<current_document> current(storage::unit_of_work&, order_id) override;
    task<std::vector<order>> list(storage::unit_of_work&, order_filter) override;
    task<std::vector<day_of_sales>> list_sales(storage::unit_of_work&, sales_filter) override;
    task<std::vector<projected_order>> scan(storage::unit_of_work&, order_id after, std::int64_t limit) override;

private:
    void store(const projected_order&);

    const memory_event_store& streams_;
    std::map<order_id, projected_order> rows_;
    std::map<std::pair<std::chrono::sys_days, bv::currency>, sales> days_;
};

}  // namespace bv::order
