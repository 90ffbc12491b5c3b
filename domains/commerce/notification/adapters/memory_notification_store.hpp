// notification_store over tables in memory. For simulation and tests; one thread.
#pragma once

#include <string>

#include "domains/commerce/notification/app/ports.hpp"
#include "platform/storage/memory/table.hpp"

namespace bv::notification {

// What the schema `notification` holds. A notice's id follows from its outcome.
struct memory_notices {
    struct delivery_row {
        delivery what;
        time_point next_at{};
    };
    memory::table<notice_id, inbox_entry> notices{};
    memory::table<notice_id, delivery_row> deliveries{};
};

class memory_notification_store final : public notification_store {
public:
    memory_notification_store(memory_notices& t, storage::transactor& db) : tables_(t), db_(db) {}

    task<void> add(storage::unit_of_work&, std::vector<notice>, time_point now) override;
    task<std::vector<due_delivery>> find_due(storage::identity, time_point now, int limit) override;
    task<void> mark_without_address(storage::identity, std::vector<notice_id>, time_point now) override;
    task<std::vector<claimed_delivery>> claim(storage::identity, std::vector<notice_id>, time_point now, time_point lease_until) override;
    task<void> finish(storage::identity, std::vector<attempted_delivery>, time_point now) override;
    task<std::vector<inbox_entry>> list_inbox(storage::identity, customer_id, bool unread_only, std::optional<list_position> after, int limit) override;
    task<std::optional<inbox_entry>> mark_read(storage::identity, notice_id, time_point now) override;
    task<std::vector<delivery>> list_deliveries(storage::identity, std::optional<delivery_status>, std::optional<list_position> after, int limit) override;

private:
    task<std::vector<due_delivery>> find_due_in(storage::unit_of_work&, time_point now, int limit);
    task<void> mark_in(storage::unit_of_work&, std::vector<notice_id>, time_point now);
    task<std::vector<claimed_delivery>> claim_in(storage::unit_of_work&, std::vector<notice_id>, time_point now, time_point lease_until);
    task<void> finish_in(storage::unit_of_work&, std::vector<attempted_delivery>, time_point now);
    task<std::vector<inbox_entry>> list_inbox_in(storage::unit_of_work&, customer_id, bool unread_only, std::optional<list_position> after, int limit);
    task<std::optional<inbox_entry>> mark_read_in(storage::unit_of_work&, notice_id, time_point now);
    task<std::vector<delivery>> list_deliveries_in(storage::unit_of_work&, std::optional<delivery_status>, std::optional<list_position> after, int limit);

    memory_notices& tables_;
    storage::transactor& db_;
};

}  // namespace bv::notification
