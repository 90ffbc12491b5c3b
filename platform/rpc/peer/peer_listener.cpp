#include "platform/rpc/peer/peer_listener.hpp"

#include <optional>
#include <utility>

#include <fmt/format.h>

#include "platform/core/assert.hpp"
#include "platform/rpc/auth/call_credential.hpp"
#include "platform/rpc/peer/wire.hpp"
#include "platform/telemetry/log.hpp"

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

std::string_view call_name(const http::request& r) {
    const auto path = r.path();
    return path.starts_with(wire::call_prefix) ? path.substr(wire::call_prefix.size()) : std::string_view{};
}

}  // namespace

peer_listener::peer_listener(std::string call_key, clock& c) : key_(std::move(call_key)), clock_(c) {}

void peer_listener::add(const served& s) {
    for (const auto& m : s.methods) {
        const auto added = methods_.emplace(fmt::format("{}/{}", m.service, m.name), target{s.service, &m}).second;
        BV_ASSERT(added);
    }
}

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

task<http::response> peer_listener::call(http::request& request, std::string_view name) {
    auto caller = verify_caller(key_, request.headers.get(call_credential_header), name, clock_.now());
    if (!caller) co_return wire::error_response(caller.error());
    const auto found = methods_.find(name);
    if (found == methods_.end())
        co_return wire::error_response({code::unimplemented, "NO_SUCH_METHOD", fmt::format("This process does not serve {}.", name), {}, {}});
    auto ctx = wire::take_context(request, std::move(*caller), clock_.steady_now());
    http::response out;
    out.content_type = wire::message_type;
    const auto done = co_await found->second.method->call_message(found->second.service, ctx, request.body, out.body);
    if (!done) co_return wire::error_response(done.error());
    if (!ctx.etag.empty()) out.headers.add(wire::etag, ctx.etag);
    co_return out;
}

result<principal> peer_listener::caller_of(const http::request& request) const {
    return verify_caller(key_, request.headers.get(call_credential_header), fmt::format("{} {}", request.verb_text, request.path()), clock_.now());
}

task<http::response> peer_listener::stream(http::request& request, const stream_route& route) {
    auto caller = caller_of(request);
    if (!caller) co_return wire::error_response(caller.error());
    if (const auto allowed = authorize(route.method->auth, *caller); !allowed) co_return problem_response(allowed.error());
    auto ctx = wire::take_context(request, std::move(*caller), clock_.steady_now());
    whole_body body(request.body);
    co_return co_await route.handle(request, body, ctx);
}

task<http::response> peer_listener::serve(http::request& request) {
    error broken;
    try {
        if (const auto name = call_name(request); !name.empty()) co_return co_await call(request, name);
        for (const auto& s : streams_)
            if (s.method->http.path == request.path() && s.method->http.verb == request.verb_text) co_return co_await stream(request, s);
        const auto* found = find(request);
        if (found == nullptr) co_return wire::error_response({code::not_found, "NO_SUCH_PATH", fmt::format("there is no {}", request.path()), {}, {}});
        if (!found->open) {
            if (const auto caller = caller_of(request); !caller) co_return wire::error_response(caller.error());
            wire::take_address(request);
        }
        co_return co_await found->route.handler(request);
    } catch (...) {
        broken = current_error();
    }
    telemetry::error("rpc.failed", {{"path", request.path()}, {"code", name(broken.code)}, {"reason", broken.reason}, {"error", broken.message}},
                     telemetry::span_context::parse(request.headers.get("traceparent")));
    co_return wire::error_response(broken);
}

http::handler peer_listener::handler() {
    return [this](http::request& request) { return serve(request); };
}

}  // namespace bv::rpc
