#include "platform/rpc/peer/peer_channel.hpp"

#include <algorithm>
#include <optional>

#include <fmt/format.h>
#include <google/protobuf/message_lite.h>

#include "platform/rpc/auth/call_credential.hpp"
#include "platform/rpc/peer/wire.hpp"
#include "platform/telemetry/semconv.hpp"

namespace bv::rpc {

namespace {

std::string span_name(std::string_view service, std::string_view method) { return fmt::format("{}/{}", service.substr(service.rfind('.') + 1), method); }

failure nobody(const std::string& role) {
    return {code::unavailable, "SERVICE_UNAVAILABLE", fmt::format("The {} service does not answer at the moment; try again shortly.", role)};
}

}  // namespace

peer_channel::peer_channel(std::string role, directory& d, std::string call_key, const clock& c)
    : role_(std::move(role)), directory_(d), key_(std::move(call_key)), clock_(c) {}
peer_channel::~peer_channel() = default;

std::shared_ptr<http::client> peer_channel::client_of(const address& a) {
    const std::scoped_lock lock(mutex_);
    auto& known = clients_[a];
    if (!known) known = std::make_shared<http::client>(http::client_options{.host = a.host, .port = a.port, .connect_timeout = milliseconds(1'000)});
    return known;
}

task<http::client_response> peer_channel::send(http::client_request request, principal caller, std::optional<address> to) {
    const auto path = std::string_view(request.target).substr(0, request.target.find('?'));
    const std::string what = request.target.starts_with(wire::call_prefix) ? std::string(path.substr(wire::call_prefix.size())) : fmt::format("{} {}", http::name(request.verb), path);
    request.headers.set(call_credential_header, sign_caller(key_, caller, what, clock_.now()));
    auto all = to ? std::vector{*to} : directory_.find(role_);
    if (!all.empty()) {
        const std::scoped_lock lock(mutex_);
        std::erase_if(clients_, [&](const auto& known) { return !to && std::ranges::find(all, known.first) == all.end(); });
        std::ranges::rotate(all, all.begin() + static_cast<std::ptrdiff_t>(next_++ % all.size()));
    }
    for (const auto& a : all) {
        const auto client = client_of(a);
        try {
            co_return co_await client->send(request);
        } catch (const failure& f) {
            // Only what surely was not handled may go to another.
            if (f.error().reason != "CONNECT_FAILED") throw;
        }
    }
    throw nobody(role_);
}

task<result<void>> peer_channel::unary(const method& method, const google::protobuf::MessageLite& request, google::protobuf::MessageLite& reply, context& ctx) {
    telemetry::span span(span_name(method.service, method.name), telemetry::span_kind::client, ctx.trace);
    span.set("rpc.service", method.service);
    span.set("rpc.method", method.name);
    http::client_request r;
    r.verb = http::verb::post;
    r.target = fmt::format("{}{}/{}", wire::call_prefix, method.service, method.name);
    r.content_type = wire::message_type;
    r.body = request.SerializeAsString();
    r.deadline = ctx.deadline;
    wire::put_context(r.headers, ctx, span.context().valid() ? span.context() : ctx.trace, clock_.steady_now());
    try {
        const auto answer = co_await send(std::move(r), ctx.caller);
        if (answer.status != 200) {
            auto refused = wire::error_of(answer);
            if (http_status(refused.code) >= 500) span.fail(refused.reason);
            co_return std::unexpected(std::move(refused));
        }
        if (!reply.ParseFromString(answer.body)) throw failure(code::internal, "MALFORMED_ANSWER", fmt::format("{}/{} answered with what is no {}", method.service, method.name, reply.GetTypeName()));
        ctx.etag = answer.headers.get(wire::etag);
        co_return result<void>{};
    } catch (const failure& f) {
        span.fail(f.error().reason);
        throw;
    }
}

}  // namespace bv::rpc
