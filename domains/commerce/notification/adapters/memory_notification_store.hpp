// notification_store over tables in memory. For simulation and tests; one thread.
#pragma once

#include <string>

#include "domains/commerce/notification/app/ports.hpp"
#include "platform/storage/memory/table.hpp"

namespace bv::notification {

// What the schema `notification` holds. A notice's id follows from its outcome.
struct memory_notices {
    memory::table<notice_id, inbox_entry> notices{};
    memory::table<notice_id, delivery> deliveries{};
};

class memory_notification_store final : public notification_store {
public:
    memory_notification_store(memory_notices& t, storage::transactor& db) : tables_(t), db_(db) {}

    task<std::vector<notice_id>> add(storage::unit_of_work&, std::vector<notice>, time_point now) override;
    task<std::vector<unsent_delivery>> find_unsent(storage::identity, std::vector<notice_id>) override;
    task<void> note(storage::unit_of_work&, std::vector<attempted_delivery>, time_point now) override;
    task<std::vector<inbox_entry>> list_inbox(storage::identity, customer_id, bool unread_only, std::optional<list_position> after, int limit) override;
    task<std::optional<inbox_entry>> mark_read(storage::identity, notice_id, time_point now) override;
    task<std::vector<delivery>> list_deliveries(storage::identity, std::optional<delivery_status>, std::optional<list_position> after, int limit) override;

private:
    task<std::vector<unsent_delivery>> find_unsent_in(storage::unit_of_work&, std::vector<notice_id>);
    task<std::vector<inbox_entry>> list_inbox_in(storage::unit_of_work&, customer_id, bool unread_only, std::optional<list_position> after, int limit);
    task<std::optional<inbox_entry>> mark_read_in(storage::unit_of_work&, notice_id, time_point now);
    task<std::vector<delivery>> list_deliveries_in(storage::unit_of_work&, std::optional<delivery_status>, std::optional<list_position> after, int limit);

    memory_notices& tables_;
    storage::transactor& db_;
};

}  // namespace bv::notification
