#include <charconv>

#include "domains/commerce/order/app/errors.hpp"
#include "domains/commerce/order/app/get_order.hpp"
#include "domains/commerce/order/app/paging.hpp"
#include "domains/commerce/order/app/stream_codec.hpp"
#include "platform/rpc/json.hpp"
#include "platform/rpc/message_json.hpp"
#include "platform/rpc/page_token.hpp"
#include "platform/telemetry/trace.hpp"

namespace bv::order {
namespace {

contract::OrderEvent describe(const stored_event& e) {
    contract::OrderEvent out;
    const auto type = type_name(e.what);
    out.set_version(e.version);
    out.set_type(std::string(type));
    set(*out.mutable_time(), e.at);
    out.set_actor(e.actor);
    if (const auto trace = telemetry::span_context::parse(e.traceparent); trace.valid()) out.set_trace_id(trace.trace_id_hex());
    if (const auto json = rpc::to_json(stream_message_name(type), encode(e.what))) {
        if (!json::parse(*json, *out.mutable_data())) out.clear_data();
    }
    return out;
}

struct page {
    std::vector<stored_event> events;
    bool exists = false;
};

task<page> read_page(const environment& env, storage::unit_of_work& uow, order_id id, std::int64_t after, std::int64_t limit) {
    page out;
    out.events = co_await env.streams.read(uow, id, after, limit);
    out.exists = !out.events.empty() || (after > 0 && !(co_await env.streams.read(uow, id, 0, 1)).empty());
    co_return out;
}

}  // namespace

task<result<contract::ListOrderEventsResponse>> list_order_events(const environment& env, rpc::context& ctx, contract::ListOrderEventsRequest request) {
    const auto id = order_id::parse(request.id());
    if (!id) co_return invalid({{"id", "must be a UUID"}});
    const auto list = "orders/" + id->str() + "/events";
    const auto token = rpc::parse_page_token(list, request.page_token());
    if (!token) co_return std::unexpected(token.error());
    std::int64_t after = 0;
    if (!token->empty() && !parse_number(token->front(), after)) co_return bad_token();
    const auto size = page_size(request.page_size());
    const auto found = co_await env.db.transact(
        read_options(ctx), [&](storage::unit_of_work& uow) { return read_page(env, uow, *id, after, size + 1); });
    if (!found.exists) co_return not_found(*id);
    contract::ListOrderEventsResponse out;
    for (const auto& e : found.events) {
        if (out.events_size() == size) {
            const std::vector<std::string> position{std::to_string(out.events(out.events_size() - 1).version())};
            out.set_next_page_token(rpc::page_token(list, position));
            break;
        }
        *out.add_events() = describe(e);
    }
    co_return out;
}

}  // namespace bv::order
