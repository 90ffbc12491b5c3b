// notification_store over the schema `notification`.
#pragma once

#include "domains/commerce/notification/app/ports.hpp"
#include "platform/storage/postgres/database.hpp"

namespace bv::notification {

class postgres_notification_store final : public notification_store {
public:
    explicit postgres_notification_store(pg::database& db) : db_(db) {}

    task<std::vector<notice_id>> add(storage::unit_of_work&, std::vector<notice>, time_point now) override;
    task<std::vector<unsent_delivery>> find_unsent(storage::identity, std::vector<notice_id>) override;
    task<void> note(storage::unit_of_work&, std::vector<attempted_delivery>, time_point now) override;
    task<std::vector<inbox_entry>> list_inbox(storage::identity, customer_id, bool unread_only, std::optional<list_position> after, int limit) override;
    task<std::optional<inbox_entry>> mark_read(storage::identity, notice_id, time_point now) override;
    task<std::vector<delivery>> list_deliveries(storage::identity, std::optional<delivery_status>, std::optional<list_position> after, int limit) override;

private:
    pg::database& db_;
};

}  // namespace bv::notification
