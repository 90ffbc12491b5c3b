#include "platform/rpc/grpc/endpoint.hpp"

#include <openssl/crypto.h>

#include "platform/core/assert.hpp"
#include "platform/rpc/grpc/identity.hpp"
#include "platform/rpc/grpc/status.hpp"
#include "platform/rpc/http_dispatch.hpp"
#include "platform/rpc/problem.hpp"
#include "platform/telemetry/trace.hpp"

namespace bv::rpc::grpc {

endpoint::endpoint(endpoint_options o, clock& c) : options_(std::move(o)), clock_(c) { BV_ASSERT(!options_.secret.empty()); }

http::handler endpoint::handler() {
    return [this](http::request& r) { return serve(r); };
}

result<principal> endpoint::caller_of(const http::request& request) const {
    constexpr std::string_view scheme = "Bearer ";
    const auto given = request.headers.get("authorization");
    const bool known = given.size() == scheme.size() + options_.secret.size() && given.starts_with(scheme) &&
                       CRYPTO_memcmp(given.data() + scheme.size(), options_.secret.data(), options_.secret.size()) == 0;
    if (!known) return fail(code::unauthenticated, "PEER_UNKNOWN", "Only parts of this platform are served here.");
    auto caller = decode_caller(request.headers.get("bv-caller"));
    if (!caller) return fail(code::unauthenticated, "CALLER_MALFORMED", "The peer does not say for whom it calls.");
    return std::move(*caller);
}

task<http::response> endpoint::serve(http::request& request) {
    if (!is_call(request) || !request.http2) co_return problem_response(415, "this port speaks gRPC only");
    const auto* called = services_.find(request.path());
    if (called == nullptr) co_return refusal(no_such_method(request.path()));
    auto caller = caller_of(request);
    if (!caller) co_return refusal(caller.error());
    telemetry::span span(called->method->path.substr(1), telemetry::span_kind::server, telemetry::span_context::parse(request.headers.get("traceparent")));
    const auto now = clock_.steady_now();
    origin from{std::move(*caller), span.context(), deadline_of(request, now, now + options_.timeout), std::string(request.headers.get("x-request-id"))};
    auto ctx = make_context(request, std::move(from));
    auto done = co_await call(*called, request, ctx, options_.max_message_bytes);
    if (!done && http_status(done.error().code) >= 500) span.fail(done.error().reason);
    co_return render(std::move(done), ctx);
}

}  // namespace bv::rpc::grpc
