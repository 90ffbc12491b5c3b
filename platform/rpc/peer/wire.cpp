#include "platform/rpc/peer/wire.hpp"

#include <charconv>
#include <optional>

#include <fmt/format.h>

namespace bv::rpc::wire {

namespace {

constexpr std::string_view timeout_ms = "BV-Timeout-Ms", error_code = "BV-Code", address = "BV-Remote-Address";

std::optional<std::int64_t> number(std::string_view text) {
    std::int64_t out = 0;
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), out);
    if (text.empty() || ec != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return out;
}

// "5:hello", so that any text can follow any.
void append(std::string& out, std::string_view text) { out += fmt::format("{}:{}", text.size(), text); }

std::optional<std::string> take(std::string_view& rest) {
    const auto colon = rest.find(':');
    const auto size = colon == rest.npos ? std::nullopt : number(rest.substr(0, colon));
    if (!size || *size < 0 || rest.size() - colon - 1 < static_cast<std::size_t>(*size)) return std::nullopt;
    std::string out(rest.substr(colon + 1, static_cast<std::size_t>(*size)));
    rest.remove_prefix(colon + 1 + out.size());
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
    if (const auto left = number(from.headers.get(timeout_ms))) out.deadline = now + milliseconds(*left);
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

http::response error_response(const error& e) {
    http::response out;
    out.status = http_status(e.code);
    out.content_type = "application/octet-stream";
    out.headers.add(error_code, std::to_string(static_cast<int>(e.code)));
    append(out.body, e.reason);
    append(out.body, e.message);
    append(out.body, e.retry_after ? std::to_string(e.retry_after->count()) : std::string{});
    for (const auto& v : e.violations) append(out.body, v.field), append(out.body, v.description);
    return out;
}

error error_of(const http::client_response& answer) {
    const auto sent = number(answer.headers.get(error_code));
    std::string_view rest = answer.body;
    auto reason = take(rest), message = take(rest), retry = take(rest);
    if (!sent || *sent < 1 || *sent > 16 || !retry)
        return {code::unavailable, "SERVICE_UNAVAILABLE", fmt::format("A service answered a call with status {}.", answer.status), {}, {}};
    error out{static_cast<code>(*sent), std::move(*reason), std::move(*message), {}, {}};
    if (const auto ms = number(*retry)) out.retry_after = milliseconds(*ms);
    while (!rest.empty()) {
        auto field = take(rest), description = take(rest);
        if (!description) break;
        out.violations.push_back({std::move(*field), std::move(*description)});
    }
    return out;
}

}  // namespace bv::rpc::wire
