#include "domains/commerce/notification/adapters/api.hpp"

#include <gtest/gtest.h>

#include "domains/commerce/notification/adapters/notification_world.hpp"

namespace bv::notification {
namespace {

using namespace testing;

class notification_api : public ::testing::Test {
protected:
    static rpc::context user(std::uint64_t n, std::vector<std::string> scopes = {"notifications.read"}) {
        rpc::context ctx;
        ctx.caller.kind = rpc::caller_kind::user;
        ctx.caller.id = customer(n).value;
        ctx.caller.scopes = std::move(scopes);
        return ctx;
    }
    void tell(std::uint64_t o, std::uint64_t c, std::int64_t second) {
        world.consume({an_event(confirmed_order(order(o), customer(c)), *parse_rfc3339("2026-01-01T00:00:00Z") + seconds(second))});
    }
    result<contract::ListNotificationsResponse> list(rpc::context ctx, int size = 0, std::string token = {}, bool unread = false) {
        contract::ListNotificationsRequest r;
        r.set_page_size(size);
        r.set_page_token(std::move(token));
        r.set_unread_only(unread);
        return world.cores.block_on(client.list_notifications(ctx, std::move(r)));
    }
    result<contract::Notification> read(rpc::context ctx, notice_id id) {
        contract::MarkNotificationReadRequest r;
        r.set_id(id.str());
        return world.cores.block_on(client.mark_notification_read(ctx, std::move(r)));
    }
    result<contract::ListDeliveriesResponse> deliveries(rpc::context ctx, int size = 0, std::string token = {}, contract::DeliveryStatus s = {}) {
        contract::ListDeliveriesRequest r;
        r.set_page_size(size);
        r.set_page_token(std::move(token));
        r.set_status(s);
        return world.cores.block_on(client.list_deliveries(ctx, std::move(r)));
    }
    static notice_id notice_of(std::uint64_t o) { return id_of(order(o), notice_kind::confirmed, ""); }

    notification_world world;
    api served{world.store, world.time};
    contract::notification_service_client client{served};
};

TEST_F(notification_api, lists_the_own_inbox_newest_first_page_by_page) {
    for (std::uint64_t n = 1; n <= 5; ++n) tell(n, 1, n == 5 ? 4 : static_cast<std::int64_t>(n));  // 4 and 5 at the same time
    tell(9, 2, 9);
    std::vector<std::string> seen;
    std::string token;
    do {
        const auto page = *list(user(1), 2, token);
        EXPECT_LE(page.notifications_size(), 2);
        for (const auto& n : page.notifications()) seen.push_back(n.order_id());
        token = page.next_page_token();
    } while (!token.empty());
    ASSERT_EQ(seen.size(), 5u);
    EXPECT_EQ((std::set<std::string>{seen[0], seen[1]}), (std::set<std::string>{order(4).str(), order(5).str()}));
    EXPECT_EQ((std::vector(seen.begin() + 2, seen.end())), (std::vector{order(3).str(), order(2).str(), order(1).str()}));
    const auto first = list(user(1))->notifications(0);
    EXPECT_EQ(first.kind(), contract::NOTIFICATION_KIND_ORDER_CONFIRMED);
    EXPECT_FALSE(first.subject().empty());
    EXPECT_FALSE(first.has_read_time());
}

TEST_F(notification_api, a_page_token_belongs_to_its_list) {
    tell(1, 1, 1);
    tell(2, 1, 2);
    const auto token = list(user(1), 1)->next_page_token();
    ASSERT_FALSE(token.empty());
    EXPECT_EQ(list(user(1), 1, token)->notifications_size(), 1);
    EXPECT_EQ(list(user(2), 1, token).error().code, code::invalid_argument);
    EXPECT_EQ(list(user(1), 1, token, true).error().code, code::invalid_argument);
    EXPECT_EQ(list(user(1), 1, "rubbish").error().code, code::invalid_argument);
}

TEST_F(notification_api, reading_counts_once_and_hides_from_unread) {
    tell(1, 1, 1);
    tell(2, 1, 2);
    const auto first = read(user(1), notice_of(1));
    ASSERT_TRUE(first);
    EXPECT_TRUE(first->has_read_time());
    world.time.advance(seconds(60));
    EXPECT_EQ(read(user(1), notice_of(1))->SerializeAsString(), first->SerializeAsString());
    const auto unread = *list(user(1), 0, {}, true);
    ASSERT_EQ(unread.notifications_size(), 1);
    EXPECT_EQ(unread.notifications(0).order_id(), order(2).str());
    EXPECT_EQ(list(user(1))->notifications_size(), 2);
    EXPECT_EQ(world.number("SELECT count(*) FROM audit.entries WHERE table_name = 'notification.notifications' AND operation = 2"), 1);
}

TEST_F(notification_api, other_peoples_notifications_are_not_found) {
    tell(1, 1, 1);
    for (const auto& ctx : {user(2), rpc::context::for_service("order")}) {
        const auto refused = read(ctx, notice_of(1));
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().code, code::not_found);
        EXPECT_EQ(list(ctx)->notifications_size(), 0);
    }
    EXPECT_EQ(read(user(1), notice_of(8)).error().code, code::not_found);
    EXPECT_EQ(world.number("SELECT count(*) FROM notification.notifications WHERE read_at IS NOT NULL"), 0);
}

TEST_F(notification_api, asks_for_scopes) {
    EXPECT_EQ(list(user(1, {})).error().code, code::permission_denied);
    EXPECT_EQ(deliveries(user(1)).error().code, code::permission_denied);
    EXPECT_EQ(list(rpc::context{}).error().code, code::unauthenticated);
}

TEST_F(notification_api, shows_the_log_of_mails_to_auditors) {
    for (std::uint64_t n = 1; n <= 5; ++n) tell(n, n, static_cast<std::int64_t>(n));
    world.execute("UPDATE notification.deliveries SET status = 3, attempts = 4, last_error = 'MAIL_REFUSED: 550' WHERE notification_id = '" + notice_of(2).str() + "'");
    const auto auditor = user(99, {"audit.read"});
    std::vector<std::string> seen;
    std::string token;
    do {
        const auto page = *deliveries(auditor, 2, token);
        for (const auto& d : page.deliveries()) seen.push_back(d.notification_id());
        token = page.next_page_token();
    } while (!token.empty());
    EXPECT_EQ(seen, (std::vector{notice_of(5).str(), notice_of(4).str(), notice_of(3).str(), notice_of(2).str(), notice_of(1).str()}));
    const auto failed = *deliveries(auditor, 0, {}, contract::DELIVERY_STATUS_FAILED);
    ASSERT_EQ(failed.deliveries_size(), 1);
    EXPECT_EQ(failed.deliveries(0).attempts(), 4);
    EXPECT_EQ(failed.deliveries(0).last_error(), "MAIL_REFUSED: 550");
    EXPECT_EQ(deliveries(auditor, 0, {}, contract::DELIVERY_STATUS_QUEUED)->deliveries_size(), 4);
}

}  // namespace
}  // namespace bv::notification
