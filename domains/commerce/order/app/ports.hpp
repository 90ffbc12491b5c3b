// Where the order service's use cases meet its stores. Each port has a PostgreSQL and an in-memory adapter, held to one
// contract by adapters/store_contract_test.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "domains/commerce/order/model/decide.hpp"
#include "platform/core/task.hpp"
#include "platform/storage/unit_of_work.hpp"

namespace bv::order {

// A snapshot is stored whenever a stream passes a multiple of this.
inline constexpr std::int64_t snapshot_every = 16;

struct stored_event {
    std::int64_t version = 0;
    event what;
    instant at{};
    std::string actor;
    std::string traceparent;
};

// New events of one order. They become versions expected_version + 1 and on.
struct append_entry {
    order_id id;
    customer_id customer;
    std::int64_t expected_version = 0;
    std::vector<event> events;
    instant at{};
    std::string actor;
    std::string traceparent;
    std::optional<order> snapshot{};  // the order after the events
};

struct event_stream {
    order_id id;
    std::vector<stored_event> events;
};

// An importer's number for an order: one order per customer and number.
struct external_reference {
    customer_id customer;
    std::string text;
    order_id id;
};

class event_store {
public:
    virtual ~event_store() = default;

    // Waits for other writers of these orders, and keeps them out until the unit of work ends. A courtesy that saves
    // retries: what protects a stream is append(). Known or not, the ids are taken in one order everywhere.
    virtual task<void> lock(storage::unit_of_work&, std::vector<order_id>) = 0;
    // The orders as they are, in no particular order; those that do not exist, or that row-level security hides, are left
    // out. One statement, however many.
    virtual task<std::vector<order>> load(storage::unit_of_work&, std::vector<order_id>) = 0;
    // Appends to many streams, one statement. Throws failure ABORTED "ORDER_CHANGED" when a stream is not at its expected
    // version: nothing may be committed then; load again.
    virtual task<void> append(storage::unit_of_work&, std::vector<append_entry>) = 0;
    // Events with version > after, oldest first.
    virtual task<std::vector<stored_event>> read(storage::unit_of_work&, order_id, std::int64_t after, std::int64_t limit) = 0;
    // Whole streams by ascending id, from the first id after `after`.
    virtual task<std::vector<event_stream>> scan(storage::unit_of_work&, order_id after, std::int64_t limit) = 0;

    // Claims references. Throws failure ABORTED "ORDER_CHANGED" when one is taken.
    virtual task<void> claim(storage::unit_of_work&, std::vector<external_reference>) = 0;
    // Those of the (customer, text) pairs that are taken; `id` of the argument is ignored.
    virtual task<std::vector<external_reference>> find_claimed(storage::unit_of_work&, std::vector<external_reference>) = 0;
    // Orders with this reference, of one customer or of any.
    virtual task<std::vector<order_id>> find_by_reference(storage::unit_of_work&, std::optional<customer_id>, std::string text) = 0;
};

// What the saga of an order waits for, and until when.
struct saga_step {
    order_id id;
    awaiting what = awaiting::nothing;
    instant deadline_at{};
};

class saga_store {
public:
    virtual ~saga_store() = default;
    // Steps that wait for nothing end their saga.
    virtual task<void> save(storage::unit_of_work&, std::vector<saga_step>) = 0;
    // Steps that are overdue, oldest first.
    virtual task<std::vector<saga_step>> find_overdue(storage::unit_of_work&, instant now, std::int64_t limit) = 0;
    // Sagas that wait for something.
    virtual task<std::int64_t> count_open(storage::unit_of_work&) = 0;
};

// What an order adds to the sales of its day.
struct sales {
    std::int64_t orders = 0;
    std::int64_t units = 0;     // sold and not returned
    std::int64_t revenue = 0;   // minor units
    std::int64_t refunded = 0;  // of it, for returns
    friend bool operator==(const sales&, const sales&) = default;
};

struct day_of_sales {
    std::chrono::sys_days day{};
    bv::currency currency;
    sales what;
    friend bool operator==(const day_of_sales&, const day_of_sales&) = default;
};

// The read models' rows of one order. `summary` has no lines.
struct projected_order {
    order summary;
    sales what;
    std::string document;  // contract message Order, serialized
};

// Where a list goes on: after this row.
struct order_cursor {
    instant ordered_at{};
    order_id id;
};

struct order_filter {
    std::optional<customer_id> customer;
    std::optional<bv::order::status> status;
    std::optional<order_cursor> after;
    std::int64_t limit = 50;
};

struct sales_cursor {
    std::chrono::sys_days day{};
    bv::currency currency;
};

struct sales_filter {
    std::optional<std::chrono::sys_days> from, to;  // both included
    std::optional<sales_cursor> after;
    std::int64_t limit = 50;
};

// The detail document when it is that of the stream's head; else what the head is.
struct current_document {
    std::int64_t head = 0;  // 0: no such order, or hidden
    std::optional<std::string> document;
};

class projection_store {
public:
    virtual ~projection_store() = default;

    // Waits until no other writer projects, and keeps them out until the unit of work ends.
    virtual task<void> lock(storage::unit_of_work&) = 0;
    // Stores what is newer than the rows are, and moves the days' sales by the difference. Under lock().
    virtual task<void> project(storage::unit_of_work&, std::vector<projected_order>) = 0;
    // Empties the read models. Under lock().
    virtual task<void> clear(storage::unit_of_work&) = 0;

    virtual task<current_document> current(storage::unit_of_work&, order_id) = 0;
    // Newest first: by ordered_at, then id, both descending.
    virtual task<std::vector<order>> list(storage::unit_of_work&, order_filter) = 0;
    // By day, then currency, ascending.
    virtual task<std::vector<day_of_sales>> list_sales(storage::unit_of_work&, sales_filter) = 0;
    // Summaries and documents by ascending id: what checks compare with the streams.
    virtual task<std::vector<projected_order>> scan(storage::unit_of_work&, order_id after, std::int64_t limit) = 0;
};

}  // namespace bv::order
