// The contract's service: inboxes and the log of e-mails.
#pragma once

#include "bitvelocity/commerce/notification/v1/notification.bv.hpp"
#include "domains/commerce/notification/app/ports.hpp"

namespace bv::notification {

namespace contract = ::bitvelocity::commerce::notification::v1;

class api final : public contract::notification_service {
public:
    api(notification_store& s, clock& c) : store_(s), clock_(c) {}

    task<result<contract::ListNotificationsResponse>> list_notifications(rpc::context&, contract::ListNotificationsRequest) override;
    task<result<contract::Notification>> mark_notification_read(rpc::context&, contract::MarkNotificationReadRequest) override;
    task<result<contract::ListDeliveriesResponse>> list_deliveries(rpc::context&, contract::ListDeliveriesRequest) override;

private:
    notification_store& store_;
    clock& clock_;
};

}  // namespace bv::notification
