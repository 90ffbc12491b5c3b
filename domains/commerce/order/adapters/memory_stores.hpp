// The order service's stores over tables in memory. For simulation and tests; one thread.
#pragma once

#include <string>
#include <utility>

#include "domains/commerce/order/app/ports.hpp"
#include "platform/storage/memory/table.hpp"

namespace bv::order {

// What the schema `orders` holds.
struct memory_orders {
    struct event_row {
        customer_id customer;
        std::string type, payload;  // as they are stored, so that their codec is exercised
        instant at{};
        std::string actor, traceparent;
    };
    struct snapshot_row {
        std::int64_t version = 0;
        customer_id customer;
        std::string payload;
    };
    using reference_key = std::pair<customer_id, std::string>;

    memory::table<std::pair<order_id, std::int64_t>, event_row> events{};
    memory::table<order_id, snapshot_row> snapshots{};
    memory::table<reference_key, order_id> references{};
    memory::table<order_id, saga_step> sagas{};
    memory::table<order_id, projected_order> projections{};
    memory::table<std::pair<std::chrono::sys_days, bv::currency>, sales> days{};
};

class memory_event_store final : public event_store {
public:
    explicit memory_event_store(memory_orders& t) : tables_(t) {}
    task<void> lock(storage::unit_of_work&, std::vector<order_id>) override;
    task<std::vector<order>> load(storage::unit_of_work&, std::vector<order_id>) override;
    task<void> append(storage::unit_of_work&, std::vector<append_entry>) override;
    task<std::vector<stored_event>> read(storage::unit_of_work&, order_id, std::int64_t after, std::int64_t limit) override;
    task<std::vector<event_stream>> scan(storage::unit_of_work&, order_id after, std::int64_t limit) override;
    task<void> claim(storage::unit_of_work&, std::vector<external_reference>) override;
    task<std::vector<external_reference>> find_claimed(storage::unit_of_work&, std::vector<external_reference>) override;
    task<std::vector<order_id>> find_by_reference(storage::unit_of_work&, std::optional<customer_id>, std::string text) override;

private:
    [[nodiscard]] std::vector<stored_event> read_stream(const memory::transaction&, order_id, std::int64_t after, std::int64_t limit) const;
    memory_orders& tables_;
};

class memory_saga_store final : public saga_store {
public:
    explicit memory_saga_store(memory_orders& t) : tables_(t) {}
    task<void> save(storage::unit_of_work&, std::vector<saga_step>) override;
    task<std::vector<saga_step>> find_overdue(storage::unit_of_work&, instant now, std::int64_t limit) override;
    task<std::int64_t> count_open(storage::unit_of_work&) override;

private:
    memory_orders& tables_;
};

class memory_projection_store final : public projection_store {
public:
    explicit memory_projection_store(memory_orders& t) : tables_(t) {}
    task<void> lock(storage::unit_of_work&) override;
    task<void> project(storage::unit_of_work&, std::vector<projected_order>) override;
    task<void> clear(storage::unit_of_work&) override;
    task<current_document> current(storage::unit_of_work&, order_id) override;
    task<std::vector<order>> list(storage::unit_of_work&, order_filter) override;
    task<std::vector<day_of_sales>> list_sales(storage::unit_of_work&, sales_filter) override;
    task<std::vector<projected_order>> scan(storage::unit_of_work&, order_id after, std::int64_t limit) override;

private:
    task<void> add_sales(memory::transaction&, const projected_order&, std::int64_t sign);
    memory_orders& tables_;
};

}  // namespace bv::order
