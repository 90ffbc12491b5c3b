#include "platform/rpc/grpc/services.hpp"

#include <algorithm>
#include <optional>

#include "platform/rpc/grpc/status.hpp"
#include "platform/rpc/grpc/wire.hpp"
#include "platform/telemetry/log.hpp"

namespace bv::rpc::grpc {

namespace {

constexpr std::size_t usual_answer = 512;

// Compressed the way the request was, which shows that the peer can read it and cares.
bool wants_gzip(const http::request& r) { return r.headers.get("grpc-encoding") == "gzip"; }

// The usual body, one message that is not compressed, where it stands.
std::optional<std::string_view> plain_message(std::string_view body, std::size_t most) {
    if (body.size() < prefix || body.size() - prefix > most || body[0] != 0) return std::nullopt;
    std::size_t length = 0;
    for (std::size_t i = 1; i < prefix; ++i) length = length << 8 | static_cast<unsigned char>(body[i]);
    return length == body.size() - prefix ? std::optional(body.substr(prefix)) : std::nullopt;
}

result<std::string> one_message(const http::request& request, std::size_t most) {
    message_reader reader(request.headers.get("grpc-encoding"), most);
    reader.put(request.body);
    auto message = reader.next();
    if (!message) return std::unexpected(std::move(message.error()));
    if (!*message || !reader.empty()) return fail(code::internal, "MALFORMED_FRAME", "A unary call has exactly one message.");
    return std::move(**message);
}

void log_failure(const rpc::method& m, const error& e, const telemetry::span_context& trace) {
    telemetry::error("rpc.failed", {{"service", m.service}, {"method", m.name}, {"code", name(e.code)}, {"reason", e.reason}, {"error", e.message}}, trace);
}

}  // namespace

bool is_call(const http::request& r) noexcept { return r.verb == http::verb::post && r.headers.get("content-type").starts_with(content_type); }

void services::add(const served& s) {
    for (const auto& m : s.methods) {
        if (!by_path_.emplace(m.path, entry{s.service, &m}).second) throw failure(code::internal, "ROUTE_CONFLICT", "two services serve " + std::string(m.path));
        if (std::ranges::find(names_, m.service) == names_.end()) names_.push_back(m.service);
    }
}

const entry* services::find(std::string_view path) const {
    const auto it = by_path_.find(path);
    return it == by_path_.end() ? nullptr : &it->second;
}

error no_such_method(std::string_view path) {
    return {code::unimplemented, "NO_SUCH_METHOD", "There is no method " + std::string(path) + " here; its name is /package.Service/Method, as the contract has it."};
}

steady_point deadline_of(const http::request& r, steady_point now, steady_point latest) {
    const auto timeout = parse_timeout(r.headers.get("grpc-timeout"));
    return timeout ? std::min(latest, now + *timeout) : latest;
}

task<outcome> call(const entry& e, const http::request& request, context& ctx, std::size_t max_message_bytes) {
    result<std::string> unpacked;
    auto message = plain_message(request.body, max_message_bytes);
    if (!message) {
        unpacked = one_message(request, max_message_bytes);
        if (!unpacked) co_return std::unexpected(std::move(unpacked.error()));
        message = *unpacked;
    }
    error broken;
    try {
        std::string framed;
        framed.reserve(usual_answer);
        framed.resize(prefix);
        const auto answered = co_await e.method->call_message(e.service, ctx, *message, framed);
        if (!answered) {
            if (http_status(answered.error().code) >= 500 && !answered.error().retry_after) log_failure(*e.method, answered.error(), ctx.trace);
            co_return std::unexpected(answered.error());
        }
        if (wants_gzip(request)) co_return frame(std::string_view(framed).substr(prefix), true);
        close_frame(framed, 0, false);
        co_return framed;
    } catch (...) {
        broken = current_error();
    }
    if (broken.code != code::cancelled) log_failure(*e.method, broken, ctx.trace);
    co_return std::unexpected(std::move(broken));
}

http::response render(outcome o, const context& ctx) {
    if (!o) return refusal(o.error());
    http::response out;
    out.content_type = content_type;
    out.headers.add("grpc-accept-encoding", "identity,gzip");
    if (o->size() > prefix && (*o)[0] == 1) out.headers.add("grpc-encoding", "gzip");
    if (!ctx.etag.empty()) out.headers.add("etag", ctx.etag);
    out.body = std::move(*o);
    out.trailers = ok_trailers();
    return out;
}

}  // namespace bv::rpc::grpc
