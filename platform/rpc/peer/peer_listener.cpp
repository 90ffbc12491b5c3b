#include "platform/rpc/peer/peer_listener.hpp"

#include <optional>
#include <utility>

#include <fmt/format.h>

#include "platform/rpc/auth/call_credential.hpp"
#include "platform/rpc/grpc/status.hpp"
#include "platform/rpc/http_dispatch.hpp"
#include "platform/rpc/peer/wire.hpp"
#include "platform/rpc/problem.hpp"
#include "platform/telemetry/log.hpp"
#include "platform/telemetry/trace.hpp"

namespace bv::rpc {

namespace {

class whole_body final : public http::body_reader {
public:
    explicit whole_body(std::string& body) : body_(body) {}
    task<result<std::optional<std::string>>> read() override {
        if (body_.empty()) co_return std::nullopt;
        co_return std::exchange(body_, {});
    }

private:
    std::string& body_;
};

constexpr std::size_t most_of_a_message = 16 * 1024 * 1024;
constexpr milliseconds longest_call{30'000};  // of one that brings no deadline

}  // namespace

peer_listener::peer_listener(std::string call_key, clock& c) : key_(std::move(call_key)), clock_(c) {}

void peer_listener::add(raw_route r) { routes_.push_back({std::move(r), false}); }
void peer_listener::add(stream_route r) { streams_.push_back(std::move(r)); }
void peer_listener::add_open(raw_route r) { routes_.push_back({std::move(r), true}); }

const peer_listener::plain* peer_listener::find(const http::request& r) const {
    for (const auto& p : routes_) {
        const std::string_view path = p.route.path;
        const bool below = path.ends_with('*') && r.path().starts_with(path.substr(0, path.size() - 1));
        if (p.route.verb == r.verb_text && (below || path == r.path())) return &p;
    }
    return nullptr;
}

task<http::response> peer_listener::call(http::request& request) {
    auto caller = verify_caller(key_, request.headers.get(call_credential_header), request.path().substr(1), clock_.now());
    if (!caller) co_return grpc::refusal(caller.error());
    const auto* called = services_.find(request.path());
    if (called == nullptr) co_return grpc::refusal(grpc::no_such_method(request.path()));
    telemetry::span span(called->method->path.substr(1), telemetry::span_kind::server, telemetry::span_context::parse(request.headers.get("traceparent")));
    wire::take_address(request);
    const auto now = clock_.steady_now();
    auto ctx = make_context(request, {.caller = std::move(*caller),
                                      .trace = span.context(),
                                      .deadline = grpc::deadline_of(request, now, now + longest_call),
                                      .request_id = std::string(request.headers.get("x-request-id"))});
    auto done = co_await grpc::call(*called, request, ctx, most_of_a_message);
    if (!done && http_status(done.error().code) >= 500) span.fail(done.error().reason);
    co_return grpc::render(std::move(done), ctx);
}

result<principal> peer_listener::caller_of(const http::request& request) const {
    return verify_caller(key_, request.headers.get(call_credential_header), fmt::format("{} {}", request.verb_text, request.path()), clock_.now());
}

task<http::response> peer_listener::stream(http::request& request, const stream_route& route) {
    auto caller = caller_of(request);
    if (!caller) co_return problem_response(caller.error());
    if (const auto allowed = authorize(route.method->auth, *caller); !allowed) co_return problem_response(allowed.error());
    auto ctx = wire::take_context(request, std::move(*caller), clock_.steady_now());
    whole_body body(request.body);
    co_return co_await route.handle(request, body, ctx);
}

task<http::response> peer_listener::serve(http::request& request) {
    error broken;
    try {
        if (grpc::is_call(request)) co_return co_await call(request);
        for (const auto& s : streams_)
            if (s.method->http.path == request.path() && s.method->http.verb == request.verb_text) co_return co_await stream(request, s);
        const auto* found = find(request);
        if (found == nullptr) co_return problem_response({code::not_found, "NO_SUCH_PATH", fmt::format("there is no {}", request.path()), {}, {}});
        if (!found->open) {
            if (const auto caller = caller_of(request); !caller) co_return problem_response(caller.error());
            wire::take_address(request);
        }
        co_return co_await found->route.handler(request);
    } catch (...) {
        broken = current_error();
    }
    telemetry::error("rpc.failed", {{"path", request.path()}, {"code", name(broken.code)}, {"reason", broken.reason}, {"error", broken.message}},
                     telemetry::span_context::parse(request.headers.get("traceparent")));
    co_return problem_response(broken);
}

http::handler peer_listener::handler() {
    return [this](http::request& request) { return serve(request); };
}

}  // namespace bv::rpc
