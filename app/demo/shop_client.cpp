#include "app/demo/shop_client.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

#include "platform/core/uuid.hpp"
#include "platform/telemetry/trace.hpp"

namespace bv::demo {

shop_client::shop_client(http::client_options o) : client_(std::move(o)) { runtime_.start(); }

shop_client::~shop_client() {
    runtime_.stop();
    runtime_.join();
}

reply shop_client::ask(http::verb verb, const std::string& target, std::string body) {
    auto& random = system_rng();
    telemetry::span_context trace;
    random.fill(trace.trace_id);
    random.fill(trace.span_id);
    trace.sampled = true;
    http::client_request r;
    r.verb = verb;
    r.target = target;
    r.body = std::move(body);
    r.headers.add("traceparent", trace.traceparent());
    if (!bearer_.empty()) r.headers.add("Authorization", "Bearer " + bearer_);
    if (!key_.empty()) r.headers.add("X-Api-Key", key_);
    if (verb == http::verb::post) r.headers.add("Idempotency-Key", "demo-" + uuid::v7(system_clock(), random).str());
    const auto sent = system_clock().steady_now();
    auto answer = runtime_.block_on(client_.send(std::move(r)));
    reply out{answer.status, {}, trace.trace_id_hex(), system_clock().steady_now() - sent};
    boost::system::error_code ec;
    auto parsed = boost::json::parse(answer.body, ec);
    if (!ec) out.body = std::move(parsed);
    return out;
}

}  // namespace bv::demo
