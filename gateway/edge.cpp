#include "gateway/edge.hpp"

#include <algorithm>
#include <deque>
#include <limits>
#include <unordered_map>

#include <boost/asio/this_coro.hpp>
#include <fmt/format.h>

#include "gateway/callers.hpp"
#include "gateway/exchange.hpp"
#include "gateway/idempotent_call.hpp"
#include "gateway/local_request.hpp"
#include "platform/net/http/compress.hpp"
#include "platform/rpc/grpc/services.hpp"
#include "platform/rpc/grpc/status.hpp"
#include "platform/rpc/http_dispatch.hpp"
#include "platform/rpc/problem.hpp"
#include "platform/security/secure_headers.hpp"

namespace bv::gateway {

namespace {

constexpr std::string_view cors_methods = "GET, HEAD, POST, PUT, PATCH, DELETE";
constexpr std::string_view cors_headers = "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, X-Api-Key, X-Request-Id, traceparent";
constexpr std::string_view cors_exposed = "ETag, Retry-After, RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset, X-Request-Id";

// The body of a request that came to a stream's path without one to wait for.
class arrived_body final : public http::body_reader {
public:
    explicit arrived_body(std::string& body) : body_(body) {}
    task<result<std::optional<std::string>>> read() override {
        if (body_.empty()) co_return std::nullopt;
        co_return std::exchange(body_, {});
    }

private:
    std::string& body_;
};

}  // namespace

struct edge::impl {
    impl(edge_options given, clock& c, rng& r, rpc::authenticator& a, resilience::idempotency_store* s, edge_shared all)
        : options(std::move(given)), time(c), random(r), shared(all), who(a, options.anonymous_requests_per_minute, c, all.limits),
          users({"user", options.user_requests_per_minute, milliseconds(60'000)}),
          anonymous({"anonymous", options.anonymous_requests_per_minute, milliseconds(60'000)}),
          programs({"program", options.program_requests_per_minute, milliseconds(60'000)}) {
        if (s) answers.emplace(*s, shared.answers);
    }

    // One request from routing to response. What it throws is a bug: exchange_one() renders it.
    task<http::response> serve(http::request& request, exchange& x);
    task<http::response> serve_stream(http::request& request, http::body_reader& body, const rpc::stream_route&, exchange& x);
    task<http::response> serve_method(http::request& request, rpc::routed, exchange& x);
    task<http::response> serve_grpc(http::request& request, exchange& x);
    task<http::response> serve_grpc_stream(http::request& request, http::body_reader& body, const rpc::grpc::streamed&, exchange& x);
    task<http::response> call_grpc(const rpc::grpc::entry&, http::request& request, exchange& x);
    [[nodiscard]] const rpc::raw_route* find_raw(const http::request&) const;
    [[nodiscard]] http::response no_route(const http::request&, const error&, const telemetry::span_context&) const;
    [[nodiscard]] const std::pair<rpc::stream_route, http::body_stream>* find_stream(const http::request&) const;
    task<http::response> serve_raw(http::request& request, const rpc::raw_route&, exchange& x);
    task<std::optional<error>> limit(const http::request&, exchange&);
    [[nodiscard]] bool allows_origin(std::string_view origin) const;
    [[nodiscard]] http::response preflight(const http::request&) const;
    void finish(const http::request&, http::response&, const exchange&) const;

    edge_options options;
    clock& time;
    rng& random;
    const edge_shared shared;
    callers who;
    std::optional<idempotent_caller> answers;
    rpc::router routes;
    rpc::grpc::services messages;
    std::deque<std::pair<rpc::grpc::streamed, http::body_stream>> message_streams;  // few; see streams
    std::unordered_map<std::string, rpc::raw_route> raw;  // by "GET /path"
    // Few, so a look costs a comparison; all requests with a body pay for it. A deque: the server keeps pointers to them.
    std::deque<std::pair<rpc::stream_route, http::body_stream>> streams;
    resilience::rate_limiter users, anonymous, programs;
};

task<std::optional<error>> edge::impl::limit(const http::request& request, exchange& x) {
    const bool is_anonymous = x.caller.kind == rpc::caller_kind::anonymous;
    auto& counted = is_anonymous ? anonymous : x.caller.kind == rpc::caller_kind::user ? users : programs;
    auto who_spends = is_anonymous ? request.remote_address : x.caller.actor();
    const auto now = time.steady_now();
    if (shared.limits) x.rate = co_await counted.take(std::move(who_spends), now, shared.limits);
    else x.rate = counted.take(who_spends, now);
    const auto outcome = x.rate->outcome();
    if (outcome) co_return std::nullopt;
    co_return outcome.error();
}

task<http::response> edge::impl::serve_method(http::request& request, rpc::routed found, exchange& x) {
    x.name_route(request.verb_text, found.route.http().path, found.route.method);
    auto caller = co_await who.find(request);
    if (!caller) co_return rpc::problem_response(caller.error(), x.span.context());
    x.caller = std::move(*caller);
    if (const auto refused = co_await limit(request, x)) co_return rpc::problem_response(*refused, x.span.context());
    rpc::origin from{x.caller, x.span.context(), x.started + options.request_timeout, x.request_id};
    const bool keyed = found.route.method->keyed && answers && request.headers.find("Idempotency-Key");
    if (!keyed) co_return co_await rpc::dispatch(std::move(found), request, std::move(from));
    auto answered = co_await answers->call(request, x.caller, x.span.context(), [&] { return rpc::dispatch(std::move(found), request, std::move(from)); });
    if (!answered) co_return rpc::problem_response(answered.error(), x.span.context());
    co_return std::move(*answered);
}

namespace {

// An outcome as idempotency keys keep it, whose status says whether to: the message or google.rpc.Status, with the ETag.
http::response to_keep(const rpc::grpc::outcome& o, const rpc::context& ctx) {
    http::response out{.status = o ? 200 : rpc::problem_status(o.error()), .content_type = "application/grpc"};
    if (!ctx.etag.empty()) out.headers.add("ETag", ctx.etag);
    out.body = o ? *o : rpc::grpc::encode_status(rpc::shown(o.error()));
    return out;
}

rpc::grpc::outcome as_kept(http::response kept, rpc::context& ctx) {
    ctx.etag = kept.headers.get("ETag");
    if (kept.status == 200) return std::move(kept.body);
    auto status = rpc::grpc::decode_status(kept.body);
    return std::unexpected(status ? std::move(*status) : error{code::data_loss, "KEPT_ANSWER", "the answer kept under the key cannot be read"});
}

task<http::response> run_to_keep(const rpc::grpc::entry& e, const http::request& request, rpc::context& ctx, std::size_t most) {
    co_return to_keep(co_await rpc::grpc::call(e, request, ctx, most), ctx);
}

}  // namespace

// As serve_method, for gRPC: the same callers, limits, keys and measurements.
task<http::response> edge::impl::serve_grpc(http::request& request, exchange& x) {
    const auto* called = messages.find(request.path());
    if (called == nullptr) co_return x.refuse(rpc::grpc::no_such_method(request.path()));
    x.name_route(request.verb_text, called->method->path, called->method);
    auto caller = co_await who.find(request);
    if (!caller) co_return x.refuse(caller.error());
    x.caller = std::move(*caller);
    if (const auto refused = co_await limit(request, x)) co_return x.refuse(*refused);
    if (const auto sane = rpc::check_conditions(request); !sane) co_return x.refuse(sane.error());
    co_return co_await call_grpc(*called, request, x);
}

task<http::response> edge::impl::call_grpc(const rpc::grpc::entry& called, http::request& request, exchange& x) {
    auto ctx = rpc::make_context(request, {x.caller, x.span.context(), rpc::grpc::deadline_of(request, x.started, x.started + options.request_timeout), x.request_id});
    rpc::grpc::outcome done;
    if (called.method->keyed && answers && !ctx.idempotency_key.empty()) {
        // What has begun under a key ends, also when the caller does not wait for it: the answer is kept for its repeat.
        co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
        auto answered = co_await answers->call(request, x.caller, x.span.context(), [&] { return run_to_keep(called, request, ctx, options.max_message_bytes); });
        if (answered) done = as_kept(std::move(*answered), ctx);
        else done = std::unexpected(std::move(answered.error()));
    } else {
        done = co_await rpc::grpc::call(called, request, ctx, options.max_message_bytes);
    }
    if (!done) co_return x.refuse(done.error());
    x.rpc_code = code::ok;
    co_return rpc::grpc::render(std::move(done), ctx);
}

task<http::response> edge::impl::serve_grpc_stream(http::request& request, http::body_reader& body, const rpc::grpc::streamed& method, exchange& x) {
    x.name_route(request.verb_text, method.path, nullptr);
    auto caller = co_await who.find(request);
    if (!caller) co_return x.refuse(caller.error());
    x.caller = std::move(*caller);
    if (const auto refused = co_await limit(request, x)) co_return x.refuse(*refused);
    x.rpc_code = code::ok;  // of its beginning: the end comes with the stream's
    const auto latest = steady_point::max();
    co_return rpc::grpc::serve(method, request, body, rpc::make_context(request, {x.caller, x.span.context(), rpc::grpc::deadline_of(request, x.started, latest), x.request_id}), options.max_message_bytes);
}

const rpc::raw_route* edge::impl::find_raw(const http::request& request) const {
    const auto verb = request.verb == http::verb::head ? std::string_view("GET") : std::string_view(request.verb_text);
    const auto path = request.path();
    if (const auto it = raw.find(fmt::format("{} {}", verb, path)); it != raw.end()) return &it->second;
    const auto folder = path.substr(0, path.rfind('/') + 1);
    const auto it = raw.find(fmt::format("{} {}*", verb, folder));
    return it == raw.end() ? nullptr : &it->second;
}

task<http::response> edge::impl::serve_raw(http::request& request, const rpc::raw_route& route, exchange& x) {
    const bool open = route.scope.empty() || (options.open_reads_on_loopback && route.verb == "GET" && is_local(request));
    if (!open) {
        auto caller = co_await who.find(request);
        if (!caller) co_return rpc::problem_response(caller.error(), x.span.context());
        x.caller = std::move(*caller);
        const std::string_view needed[] = {route.scope};
        if (const auto allowed = rpc::authorize({.anonymous = false, .any_scope = needed}, x.caller); !allowed)
            co_return rpc::problem_response(allowed.error(), x.span.context());
    }
    if (const auto refused = co_await limit(request, x)) co_return rpc::problem_response(*refused, x.span.context());
    co_return co_await route.handler(request);
}

task<http::response> edge::impl::serve(http::request& request, exchange& x) {
    if (request.http2 && rpc::grpc::is_call(request)) co_return co_await serve_grpc(request, x);
    if (request.verb == http::verb::options && request.headers.find("Access-Control-Request-Method")) co_return preflight(request);
    if (const auto* direct = find_raw(request)) {
        x.name_route(direct->verb, direct->path, nullptr);
        co_return co_await serve_raw(request, *direct, x);
    }
    auto found = routes.find(request.verb_text, request.path());
    if (const auto* streamed = found ? nullptr : find_stream(request)) {
        arrived_body body(request.body);
        co_return co_await serve_stream(request, body, streamed->first, x);
    }
    if (!found) co_return no_route(request, found.error(), x.span.context());
    co_return co_await serve_method(request, std::move(*found), x);
}

const std::pair<rpc::stream_route, http::body_stream>* edge::impl::find_stream(const http::request& request) const {
    for (const auto& s : streams)
        if (request.path() == s.first.method->http.path && request.verb_text == s.first.method->http.verb) return &s;
    return nullptr;
}

// The router knows no streams: of their paths it says that there is nothing.
http::response edge::impl::no_route(const http::request& request, const error& e, const telemetry::span_context& trace) const {
    const auto at = std::ranges::find_if(streams, [&](const auto& s) { return s.first.method->http.path == request.path(); });
    if (at == streams.end() || e.reason != "NO_SUCH_PATH") return rpc::routing_problem(routes, request, e, trace);
    const std::string verb(at->first.method->http.verb);
    auto out = rpc::problem_response(error{code::unimplemented, "METHOD_NOT_ALLOWED", fmt::format("This path does not have the method {}; it has {}.", request.verb_text, verb)}, trace);
    out.headers.add("Allow", verb);
    return out;
}

// As serve_method, but nothing of the body has been read yet: who may not send it need not.
task<http::response> edge::impl::serve_stream(http::request& request, http::body_reader& body, const rpc::stream_route& route, exchange& x) {
    const auto& method = *route.method;
    x.name_route(method.http.verb, method.http.path, nullptr);
    auto caller = co_await who.find(request);
    if (!caller) co_return rpc::problem_response(caller.error(), x.span.context());
    x.caller = std::move(*caller);
    if (const auto refused = co_await limit(request, x)) co_return rpc::problem_response(*refused, x.span.context());
    if (const auto allowed = rpc::authorize(method.auth, x.caller); !allowed) co_return rpc::problem_response(allowed.error(), x.span.context());
    auto ctx = rpc::make_context(request, {x.caller, x.span.context(), x.started + options.stream_timeout, x.request_id});
    co_return co_await route.handle(request, body, ctx);
}

bool edge::impl::allows_origin(std::string_view origin) const {
    return !origin.empty() && std::ranges::any_of(options.cors_origins, [&](const auto& o) { return o == "*" || o == origin; });
}

http::response edge::impl::preflight(const http::request& request) const {
    http::response out;
    out.status = 204;
    out.content_type.clear();
    if (allows_origin(request.headers.get("Origin"))) {
        out.headers.add("Access-Control-Allow-Methods", cors_methods);
        out.headers.add("Access-Control-Allow-Headers", cors_headers);
        out.headers.add("Access-Control-Max-Age", "600");
    }
    return out;
}

void edge::impl::finish(const http::request& request, http::response& response, const exchange& x) const {
    response.headers.add("X-Request-Id", x.request_id);
    if (x.rate) {
        response.headers.add("RateLimit-Limit", std::to_string(x.rate->limit));
        response.headers.add("RateLimit-Remaining", std::to_string(x.rate->remaining));
        response.headers.add("RateLimit-Reset", std::to_string((x.rate->reset.count() + 999) / 1000));
    }
    if (x.rpc_code) return;  // the rest is for browsers
    for (const auto& [name, value] : security::secure_headers)
        if (!response.headers.find(name)) response.headers.add(name, value);
    if (request.secure) response.headers.add(security::strict_transport_security.first, security::strict_transport_security.second);
    if (x.caller.kind != rpc::caller_kind::anonymous && !response.headers.find("Cache-Control"))
        response.headers.add(security::private_no_store.first, security::private_no_store.second);
    const auto origin = request.headers.get("Origin");
    if (allows_origin(origin)) {
        response.headers.add("Access-Control-Allow-Origin", origin);
        response.headers.add("Access-Control-Expose-Headers", cors_exposed);
        response.headers.add("Vary", "Origin");
    }
    http::compress(request, response);
}

edge::edge(edge_options o, clock& c, rng& r, rpc::authenticator& a, resilience::idempotency_store* s, edge_shared all)
    : impl_(std::make_shared<impl>(std::move(o), c, r, a, s, all)) {}
edge::~edge() = default;

void edge::add(const rpc::served& s) {
    impl_->routes.add(s);
    impl_->messages.add(s);
}

void edge::add(rpc::raw_route r) {
    auto name = fmt::format("{} {}", r.verb, r.path);
    if (!impl_->raw.emplace(name, std::move(r)).second)
        throw failure(code::internal, "ROUTE_CONFLICT", "two handlers for " + name);
}

const http::body_stream* edge::stream_of(const http::request& request) const {
    if (request.http2 && rpc::grpc::is_call(request)) {
        const auto at = std::ranges::find(impl_->message_streams, request.path(), [](const auto& s) { return std::string_view(s.first.path); });
        return at == impl_->message_streams.end() ? nullptr : &at->second;
    }
    const auto* found = impl_->find_stream(request);
    return found ? &found->second : nullptr;
}

namespace {

// What a request with a stream of its own is served by.
using serve_body = std::function<task<http::response>(edge::impl&, http::request&, http::body_reader&, exchange&)>;

// With a body it is a request of the stream's.
task<http::response> exchange_one(std::shared_ptr<edge::impl> self, http::request& request, http::body_reader* body, const serve_body* with_body) {
    exchange x(self->time, self->random, request);
    http::response response;
    error broken;
    bool failed = false;
    try {
        response = body ? co_await (*with_body)(*self, request, *body, x) : co_await self->serve(request, x);
    } catch (...) {
        failed = true;
        broken = current_error();
    }
    if (failed) {
        x.log_bug(broken);
        response = rpc::grpc::is_call(request) && request.http2 ? x.refuse(broken) : rpc::problem_response(broken, x.span.context());
    }
    self->finish(request, response, x);
    x.done(self->time, request, response, self->options.access_log);
    co_return response;
}

// The server ends before the edge.
std::function<task<http::response>(http::request&, http::body_reader&)> of_body(const std::shared_ptr<edge::impl>& owner, serve_body serve) {
    return [self = std::weak_ptr(owner), serve = std::make_shared<const serve_body>(std::move(serve))](http::request& request, http::body_reader& body) {
        return exchange_one(self.lock(), request, &body, serve.get());
    };
}

}  // namespace

void edge::add(rpc::stream_route r, std::uint64_t max_bytes) {
    const auto& http = r.method->http;
    for (const auto& [known, stream] : impl_->streams)
        if (known.method->http.path == http.path && known.method->http.verb == http.verb)
            throw failure(code::internal, "ROUTE_CONFLICT", fmt::format("two handlers for {} {}", http.verb, http.path));
    auto& added = impl_->streams.emplace_back(std::move(r), http::body_stream{});
    added.second = {max_bytes, of_body(impl_, [route = &added.first](impl& self, http::request& request, http::body_reader& body, exchange& x) {
                        return self.serve_stream(request, body, *route, x);
                    })};
}

void edge::add(rpc::grpc::streamed method) {
    auto& added = impl_->message_streams.emplace_back(std::move(method), http::body_stream{});
    added.second = {.max_bytes = std::numeric_limits<std::uint64_t>::max(),
                    .handle = of_body(impl_, [m = &added.first](impl& self, http::request& request, http::body_reader& body, exchange& x) {
                        return self.serve_grpc_stream(request, body, *m, x);
                    }),
                    .unhurried = true};
}

std::vector<std::string> edge::grpc_services() const {
    std::vector<std::string> out(impl_->messages.names().begin(), impl_->messages.names().end());
    for (const auto& [method, stream] : impl_->message_streams) {
        auto name = method.path.substr(1, method.path.find('/', 1) - 1);
        if (std::ranges::find(out, name) == out.end()) out.push_back(std::move(name));
    }
    return out;
}

http::handler edge::handler() {
    return [self = impl_](http::request& request) { return exchange_one(self, request, nullptr, nullptr); };
}

http::response edge::error_page(const http::request* request, int status, std::string_view detail) {
    if (request != nullptr && rpc::grpc::is_call(*request)) return rpc::grpc::refusal(status, detail);
    return rpc::problem_response(status, detail);
}

}  // namespace bv::gateway
