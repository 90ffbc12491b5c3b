#include "platform/rpc/peer/wire.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

namespace bv::rpc::wire {

namespace {

constexpr std::string_view timeout_ms = "BV-Timeout-Ms", address = "BV-Remote-Address";
constexpr std::int64_t longest_ms = 24 * 3'600'000;

std::optional<std::int64_t> number(std::string_view text) {
    std::int64_t out = 0;
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), out);
    if (text.empty() || ec != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return out;
}

void add(http::fields& to, std::string_view name, const std::string& value) {
    if (!value.empty()) to.add(name, value);
}

}  // namespace

void put_context(http::fields& to, const context& ctx, const telemetry::span_context& trace, steady_point now) {
    if (trace.valid()) to.add("traceparent", trace.traceparent());
    if (ctx.deadline != steady_point::max())
        to.add(timeout_ms, std::to_string(std::max<std::int64_t>(0, std::chrono::duration_cast<milliseconds>(ctx.deadline - now).count())));
    add(to, "X-Request-Id", ctx.request_id);
    add(to, "Idempotency-Key", ctx.idempotency_key);
    add(to, "If-Match", ctx.if_match);
    add(to, "If-None-Match", ctx.if_none_match);
    add(to, address, ctx.remote_address);
}

context take_context(const http::request& from, principal caller, steady_point now) {
    context out;
    out.caller = std::move(caller);
    out.trace = telemetry::span_context::parse(from.headers.get("traceparent"));
    if (const auto left = number(from.headers.get(timeout_ms))) out.deadline = now + milliseconds(std::clamp<std::int64_t>(*left, 0, longest_ms));
    out.request_id = from.headers.get("X-Request-Id");
    out.idempotency_key = from.headers.get("Idempotency-Key");
    out.if_match = from.headers.get("If-Match");
    out.if_none_match = from.headers.get("If-None-Match");
    out.remote_address = from.headers.get(address);
    return out;
}

void put_address(http::fields& to, std::string_view remote_address) { to.set(address, remote_address); }

void take_address(http::request& r) {
    if (const auto sent = r.headers.find(address)) r.remote_address = *sent;
}

}  // namespace bv::rpc::wire
