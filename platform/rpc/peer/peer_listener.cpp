#include "platform/rpc/peer/peer_listener.hpp"

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "platform/core/assert.hpp"
#include "platform/net/http/mutual_tls.hpp"
#include "platform/rpc/grpc/status.hpp"
#include "platform/rpc/http_dispatch.hpp"
#include "platform/rpc/module_name.hpp"
#include "platform/rpc/peer/caller_text.hpp"
#include "platform/rpc/peer/wire.hpp"
#include "platform/rpc/problem.hpp"
#include "platform/security/spiffe_id.hpp"
#include "platform/telemetry/log.hpp"
#include "platform/telemetry/semconv.hpp"
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

// A refusal, told to both sides.
std::unexpected<error> refuse(const http::request& r, error e) {
    const std::string_view peer = r.peer ? std::string_view(r.peer->uri) : "none";
    telemetry::warn("peer.refused", {{"path", r.path()}, {"peer", peer}, {"remote_address", r.remote_address}, {"reason", e.reason}, {"why", e.message}});
    return std::unexpected(std::move(e));
}

}  // namespace

peer_listener::peer_listener(std::string trust_domain, std::string edge, clock& c) : trust_domain_(std::move(trust_domain)), edge_(std::move(edge)), clock_(c) {}

void peer_listener::add(raw_route r) { routes_.push_back({std::move(r), false}); }
void peer_listener::add(stream_route r) { streams_.push_back(std::move(r)); }
void peer_listener::add_open(raw_route r) { routes_.push_back({std::move(r), true}); }

void peer_listener::add(grpc::streamed method) {
    BV_ASSERT(method.contract != nullptr);
    auto& added = message_streams_.emplace_back(std::move(method), http::body_stream{});
    added.second = {.max_bytes = std::numeric_limits<std::uint64_t>::max(),
                    .handle = [this, m = &added.first](http::request& request, http::body_reader& body) { return talk(request, body, *m); },
                    .unhurried = true};
}

const http::body_stream* peer_listener::stream_of(const http::request& request) const {
    if (!request.http2 || !grpc::is_call(request)) return nullptr;
    const auto at = std::ranges::find(message_streams_, request.path(), [](const auto& s) { return std::string_view(s.first.path); });
    return at == message_streams_.end() ? nullptr : &at->second;
}

const peer_listener::plain* peer_listener::find(const http::request& r) const {
    for (const auto& p : routes_) {
        const std::string_view path = p.route.path;
        const bool below = path.ends_with('*') && r.path().starts_with(path.substr(0, path.size() - 1));
        if (p.route.verb == r.verb_text && (below || path == r.path())) return &p;
    }
    return nullptr;
}

task<http::response> peer_listener::call(http::request& request) {
    const auto sender = sender_of(request);
    if (!sender) co_return grpc::refusal(sender.error());
    const auto* called = services_.find(request.path());
    if (called == nullptr) co_return grpc::refusal(grpc::no_such_method(request.path()));
    auto caller = admit(request, *sender, called->method->auth);
    if (!caller) co_return grpc::refusal(caller.error());
    telemetry::span span(called->method->path.substr(1), telemetry::span_kind::server, telemetry::span_context::parse(request.headers.get("traceparent")));
    const auto name = std::string_view(called->method->path).substr(1);
    span.set(telemetry::semconv::service_name, module_name(name.substr(0, name.find('/'))));
    span.set(telemetry::semconv::rpc_system, "grpc");
    wire::take_address(request);
    const auto now = clock_.steady_now();
    auto ctx = make_context(request, {.caller = std::move(*caller),
                                      .trace = span.context(),
                                      .deadline = grpc::deadline_of(request, now, now + longest_call),
                                      .request_id = std::string(request.headers.get("x-request-id"))});
    auto done = co_await grpc::call(*called, request, ctx, most_of_a_message);
    if (!done && http_status(done.error().code) >= 500) span.fail(done.error().reason);
    telemetry::debug("rpc.served", {{"method", name}, {"from", *sender}, {"reason", done ? std::string_view("") : std::string_view(done.error().reason)},
                                    {"duration_ms", std::chrono::duration<double, std::milli>(clock_.steady_now() - now).count()}},
                     span.context());
    co_return grpc::render(std::move(done), ctx);
}

task<http::response> peer_listener::talk(http::request& request, http::body_reader& body, const grpc::streamed& method) {
    const auto sender = sender_of(request);
    if (!sender) co_return grpc::refusal(sender.error());
    auto caller = admit(request, *sender, method.contract->auth);
    if (!caller) co_return grpc::refusal(caller.error());
    wire::take_address(request);
    auto ctx = make_context(request, {.caller = std::move(*caller),
                                      .trace = telemetry::span_context::parse(request.headers.get("traceparent")),
                                      .deadline = grpc::deadline_of(request, clock_.steady_now(), steady_point::max()),
                                      .request_id = std::string(request.headers.get("x-request-id"))});
    co_return grpc::serve(method, request, body, std::move(ctx), most_of_a_message, grpc::audience::peers);
}

result<std::string> peer_listener::sender_of(const http::request& request) const {
    if (!request.peer) return refuse(request, {code::unauthenticated, "PEER_UNKNOWN", "Only services of this platform may call here, and show by TLS who they are.", {}, {}});
    // A connection may outlive the certificate that it began with.
    if (request.peer->not_after <= clock_.now())
        return refuse(request, {code::unauthenticated, "PEER_EXPIRED",
                                fmt::format("The certificate of {} ended at {}.", request.peer->uri, rfc3339(request.peer->not_after)), {}, {}});
    auto id = security::parse_spiffe_id(request.peer->uri);
    if (!id) return refuse(request, {code::unauthenticated, "PEER_UNKNOWN", id.error().message, {}, {}});
    if (id->trust_domain != trust_domain_ || id->path.empty())
        return refuse(request, {code::unauthenticated, "PEER_UNKNOWN", fmt::format("{} is no service of {}.", request.peer->uri, trust_domain_), {}, {}});
    return id->path.substr(1);
}

result<void> peer_listener::require_edge(const http::request& request) const {
    const auto sender = sender_of(request);
    if (!sender) return std::unexpected(sender.error());
    if (*sender == edge_) return {};
    return refuse(request, {code::permission_denied, "CALLER_NOT_ALLOWED", fmt::format("Only {} may ask for {}, not {}.", edge_, request.path(), *sender), {}, {}});
}

result<principal> peer_listener::admit(const http::request& request, const std::string& sender, const auth_rule& rule) const {
    if (auto allowed = authorize_service(rule, sender, edge_); !allowed) return refuse(request, std::move(allowed.error()));
    auto caller = parse_caller(request.headers.get(caller_header));
    if (!caller) return refuse(request, {code::unauthenticated, "CALLER_MALFORMED", "The call does not say for whom it is, or not in the form kind;id;roles;scopes.", {}, {}});
    if (caller->kind == caller_kind::service) caller->name = sender;
    return std::move(*caller);
}

task<http::response> peer_listener::stream(http::request& request, const stream_route& route) {
    if (const auto allowed = require_edge(request); !allowed) co_return problem_response(allowed.error());
    auto caller = admit(request, edge_, route.method->auth);
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
            if (const auto allowed = require_edge(request); !allowed) co_return problem_response(allowed.error());
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
