#include "domains/commerce/inventory/adapters/api.hpp"

#include <algorithm>
#include <array>
#include <map>

#include "platform/rpc/format.hpp"
#include "platform/rpc/page_token.hpp"
#include "platform/rpc/timestamp.hpp"

namespace bv::inventory {

namespace {

contract::Stock to_contract(const sku_level& l) {
    contract::Stock out;
    out.set_sku(l.sku);
    out.set_received(l.level.received);
    out.set_reserved(l.level.reserved);
    out.set_sold(l.level.sold);
    out.set_available(l.level.available());
    rpc::set_timestamp(*out.mutable_update_time(), l.updated_at);
    return out;
}

std::unexpected<error> no_stock(const std::string& sku) {
    return fail(code::not_found, "STOCK_NOT_FOUND", "no stock was ever received for the SKU \"" + sku + "\"; POST /v1/stock/" + sku + ":receive books some");
}

}  // namespace

// A repeat under the same Idempotency-Key books nothing twice, also when the first answer was lost with the process.
std::string api::reference_of(const rpc::context& ctx, const std::string& given) const {
    if (!given.empty()) return given;
    if (!ctx.idempotency_key.empty()) return "key:" + uuid::named(ctx.caller.actor() + "/" + ctx.idempotency_key).str();
    return uuid::v7(clock_, rng_).str();
}

task<result<contract::Stock>> api::get_stock(rpc::context&, contract::GetStockRequest request) {
    const auto level = co_await store_.find_level(request.sku());
    if (!level) co_return no_stock(request.sku());
    co_return to_contract(*level);
}

task<result<contract::ListStockResponse>> api::list_stock(rpc::context&, contract::ListStockRequest request) {
    const int size = request.page_size() == 0 ? 50 : request.page_size();
    const std::string list = "stock?at_most=" + (request.has_available_at_most() ? std::to_string(request.available_at_most()) : "");
    const auto position = rpc::parse_page_token(list, request.page_token());
    if (!position) co_return std::unexpected(position.error());
    const auto after = position->empty() ? std::string{} : position->front();
    if (!after.empty() && !rpc::matches(rpc::format::sku, after)) {
        co_return invalid({{"pageToken", "is not a token of this list; take nextPageToken as it was given"}});
    }
    const auto at_most = request.has_available_at_most() ? std::optional(request.available_at_most()) : std::nullopt;
    const auto levels = co_await store_.list_levels(after, at_most, size + 1);
    contract::ListStockResponse out;
    const auto shown = std::min<std::size_t>(levels.size(), static_cast<std::size_t>(size));
    for (std::size_t i = 0; i < shown; ++i) *out.add_stock() = to_contract(levels[i]);
    if (levels.size() > shown) out.set_next_page_token(rpc::page_token(list, std::array{levels[shown - 1].sku}));
    co_return out;
}

task<result<contract::Stock>> api::book(rpc::context& ctx, receipt r) {
    const auto sku = r.sku;
    std::vector<receipt> one;
    one.push_back(std::move(r));
    const auto booked = co_await receive_(ctx.identity(), std::move(one));
    if (!booked) co_return std::unexpected(booked.error());
    const auto level = co_await store_.find_level(sku);
    if (!level) co_return no_stock(sku);
    co_return to_contract(*level);
}

task<result<contract::Stock>> api::receive_stock(rpc::context& ctx, contract::ReceiveStockRequest request) {
    co_return co_await book(ctx, receipt{reference_of(ctx, request.reference()), request.sku(), request.quantity(), "received"});
}

task<result<contract::Stock>> api::adjust_stock(rpc::context& ctx, contract::AdjustStockRequest request) {
    if (request.delta() == 0)
        co_return invalid({{"delta", "must not be 0; use a negative number for a loss"}});
    co_return co_await book(ctx, receipt{reference_of(ctx, {}), request.sku(), request.delta(), request.reason()});
}

task<result<contract::BatchReceiveStockResponse>> api::batch_receive_stock(rpc::context& ctx, contract::BatchReceiveStockRequest request) {
    // A reference counts once per SKU: of two items of one SKU the second would be taken for a repeat, and its goods be lost.
    std::map<std::string, std::int64_t> quantities;
    for (const auto& i : request.items()) quantities[i.sku()] += i.quantity();
    std::vector<receipt> receipts;
    for (const auto& [sku, quantity] : quantities) receipts.push_back({request.reference(), sku, quantity, "received"});
    const auto booked = co_await receive_(ctx.identity(), std::move(receipts));
    if (!booked) co_return std::unexpected(booked.error());
    contract::BatchReceiveStockResponse out;
    out.set_received_items(*booked);
    co_return out;
}

task<result<contract::Reservation>> api::get_reservation(rpc::context&, contract::GetReservationRequest request) {
    const auto found = co_await store_.find_reservation(*order_id::parse(request.order_id()));
    if (!found) co_return fail(code::not_found, "RESERVATION_NOT_FOUND", "nothing was reserved for the order " + request.order_id() + "; if it was placed a moment ago, ask again");
    contract::Reservation out;
    out.set_order_id(found->order.str());
    out.set_status(static_cast<contract::ReservationStatus>(found->status));
    for (const auto& l : found->lines) {
        auto* line = out.add_lines();
        line->set_sku(l.sku);
        line->set_quantity(l.quantity);
        line->set_returned_quantity(l.returned);
    }
    rpc::set_timestamp(*out.mutable_expires_at(), found->expires_at);
    co_return out;
}

}  // namespace bv::inventory
