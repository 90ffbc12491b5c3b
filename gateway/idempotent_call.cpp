#include "gateway/idempotent_call.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "platform/security/digest.hpp"
#include "platform/security/encoding.hpp"
#include "platform/telemetry/log.hpp"

namespace bv::gateway {

namespace {

std::string fingerprint(const http::request& r) {
    return security::hex(security::sha256(fmt::format("{} {}\n{}", r.verb_text, r.target, r.body)));
}

// Others are refused by rpc::dispatch; the store takes text only.
bool sane(std::string_view key) {
    return !key.empty() && key.size() <= 255 && std::ranges::all_of(key, [](char c) { return c >= ' ' && c <= '~'; });
}

bool kept(const http::response& r) { return r.status < 500 && r.status != 429 && r.status != 409 && r.status != 401 && r.status != 403; }

constexpr std::size_t most_unsettled = 10'000;

http::response repeated(const resilience::stored_answer& first) {
    http::response again;
    again.status = first.status;
    again.content_type = first.content_type;
    again.body = first.body;
    if (!first.etag.empty()) again.headers.add("ETag", first.etag);
    again.headers.add("Idempotency-Replayed", "true");
    return again;
}

}  // namespace

bool idempotent_caller::take_unsettled(const claim& c) {
    const std::lock_guard hold(mutex_);
    return unsettled_.erase(c) > 0;
}

void idempotent_caller::remember_unsettled(claim c) {
    const std::lock_guard hold(mutex_);
    if (unsettled_.size() < most_unsettled) unsettled_.insert(std::move(c));
}

// The answer was given; that it could not be kept must not undo it. The services' own keys still keep a repeat from doubling.
task<void> idempotent_caller::settle(claim c, std::string fingerprint, const http::response& response, telemetry::span_context trace) {
    try {
        if (!kept(response)) {
            co_await store_.abandon(c.first, c.second);
            co_return;
        }
        const resilience::stored_answer answer{response.status, response.content_type, response.body, std::string(response.headers.get("ETag"))};
        co_await store_.finish(c.first, c.second, answer);
        if (early_) co_await early_->keep(c.first, c.second, std::move(fingerprint), answer);
    } catch (const failure& f) {
        remember_unsettled(std::move(c));
        telemetry::warn("idempotency.not_kept", {{"reason", f.error().reason}}, trace);
    }
}

task<result<std::optional<resilience::stored_answer>>> idempotent_caller::claim_key(claim c, std::string fingerprint) {
    auto claimed = co_await store_.claim(c.first, c.second, fingerprint);
    if (claimed || claimed.error().reason != "IDEMPOTENCY_KEY_IN_USE" || !take_unsettled(c)) co_return claimed;
    co_await store_.abandon(c.first, c.second);
    co_return co_await store_.claim(c.first, c.second, std::move(fingerprint));
}

task<result<http::response>> idempotent_caller::call(const http::request& request, rpc::principal who, telemetry::span_context trace,
                                                     std::function<task<http::response>()> run) {
    const std::string key(request.headers.get("Idempotency-Key"));
    if (!sane(key)) co_return co_await run();
    const auto caller = who.kind == rpc::caller_kind::anonymous ? "anonymous:" + request.remote_address : who.actor();
    auto print = fingerprint(request);
    if (early_) {
        if (const auto first = co_await early_->find(caller, key, print)) co_return repeated(*first);
    }
    auto claimed = co_await claim_key({caller, key}, print);
    if (!claimed) co_return std::unexpected(std::move(claimed.error()));
    if (const auto& first = *claimed) co_return repeated(*first);
    auto response = co_await run();
    co_await settle({caller, key}, std::move(print), response, trace);
    co_return response;
}

}  // namespace bv::gateway
