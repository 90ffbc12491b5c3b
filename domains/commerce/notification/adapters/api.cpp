#include "domains/commerce/notification/adapters/api.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "platform/rpc/page_token.hpp"
#include "platform/rpc/timestamp.hpp"

namespace bv::notification {

namespace {

constexpr int default_page = 50;

contract::Notification to_contract(const inbox_entry& e) {
    contract::Notification out;
    out.set_id(e.told.id.str());
    out.set_order_id(e.told.order.str());
    out.set_kind(static_cast<contract::NotificationKind>(e.told.kind));
    out.set_subject(e.told.subject);
    out.set_text(e.told.text);
    rpc::set_timestamp(*out.mutable_create_time(), e.told.created_at);
    if (e.read_at) rpc::set_timestamp(*out.mutable_read_time(), *e.read_at);
    return out;
}

contract::Delivery to_contract(const delivery& d) {
    contract::Delivery out;
    out.set_notification_id(d.notice.str());
    out.set_status(static_cast<contract::DeliveryStatus>(d.status));
    out.set_attempts(d.attempts);
    out.set_last_error(d.last_error);
    rpc::set_timestamp(*out.mutable_create_time(), d.created_at);
    rpc::set_timestamp(*out.mutable_update_time(), d.updated_at);
    return out;
}

// A position is microseconds since 1970 and an id.
std::string token_of(std::string_view list, time_point at, const uuid& id) {
    return rpc::page_token(list, std::array{std::to_string(at.time_since_epoch().count()), id.str()});
}

result<std::optional<list_position>> position_in(std::string_view list, const std::string& token) {
    const auto parts = rpc::parse_page_token(list, token);
    if (!parts) return std::unexpected(parts.error());
    if (parts->empty()) return std::nullopt;
    std::int64_t micros = 0;
    const auto id = parts->size() == 2 ? uuid::parse(parts->back()) : std::nullopt;
    const auto& text = parts->front();
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), micros);
    if (!id || problem != std::errc{} || end != text.data() + text.size())
        return invalid({{"pageToken", "is not a token of this list; take nextPageToken as it was given"}});
    return list_position{time_point(microseconds(micros)), *id};
}

}  // namespace

task<result<contract::ListNotificationsResponse>> api::list_notifications(rpc::context& ctx, contract::ListNotificationsRequest request) {
    contract::ListNotificationsResponse out;
    const auto who = ctx.identity();
    if (!who.customer) co_return out;  // programs and services have no inbox
    const std::string list = "notifications?customer=" + who.customer->str() + (request.unread_only() ? "&unread" : "");
    const auto after = position_in(list, request.page_token());
    if (!after) co_return std::unexpected(after.error());
    const int size = request.page_size() == 0 ? default_page : request.page_size();
    const auto found = co_await store_.list_inbox(who, customer_id{*who.customer}, request.unread_only(), *after, size + 1);
    const auto shown = std::min(found.size(), static_cast<std::size_t>(size));
    for (std::size_t i = 0; i < shown; ++i) *out.add_notifications() = to_contract(found[i]);
    if (found.size() > shown) out.set_next_page_token(token_of(list, found[shown - 1].told.created_at, found[shown - 1].told.id.value));
    co_return out;
}

task<result<contract::Notification>> api::mark_notification_read(rpc::context& ctx, contract::MarkNotificationReadRequest request) {
    const auto who = ctx.identity();
    std::optional<inbox_entry> read;
    // Only its owner reads a notice: others' reading, also the platform's own, would tell nothing.
    if (who.customer) read = co_await store_.mark_read(who, *notice_id::parse(request.id()), clock_.now());
    if (!read) co_return fail(code::not_found, "NOTIFICATION_NOT_FOUND", "there is no notification " + request.id() + " in your inbox; GET /v1/notifications lists it");
    co_return to_contract(*read);
}

task<result<contract::ListDeliveriesResponse>> api::list_deliveries(rpc::context& ctx, contract::ListDeliveriesRequest request) {
    const auto status = request.status() == contract::DELIVERY_STATUS_UNSPECIFIED ? std::nullopt
                                                                                  : std::optional(static_cast<delivery_status>(request.status()));
    const std::string list = "deliveries?status=" + std::to_string(request.status());
    const auto after = position_in(list, request.page_token());
    if (!after) co_return std::unexpected(after.error());
    const int size = request.page_size() == 0 ? default_page : request.page_size();
    const auto found = co_await store_.list_deliveries(ctx.identity("audit.read"), status, *after, size + 1);
    contract::ListDeliveriesResponse out;
    const auto shown = std::min(found.size(), static_cast<std::size_t>(size));
    for (std::size_t i = 0; i < shown; ++i) *out.add_deliveries() = to_contract(found[i]);
    if (found.size() > shown) out.set_next_page_token(token_of(list, found[shown - 1].created_at, found[shown - 1].notice.value));
    co_return out;
}

}  // namespace bv::notification
