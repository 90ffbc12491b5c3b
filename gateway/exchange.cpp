#include "gateway/exchange.hpp"

#include <algorithm>
#include <array>
#include <unordered_map>

#include <fmt/format.h>

#include "platform/core/uuid.hpp"
#include "platform/rpc/grpc/status.hpp"
#include "platform/rpc/problem.hpp"
#include "platform/telemetry/log.hpp"
#include "platform/telemetry/metrics.hpp"
#include "platform/telemetry/semconv.hpp"

namespace bv::gateway {

namespace semconv = telemetry::semconv;

namespace {

constexpr std::size_t longest_request_id = 64;

bool sane(std::string_view id) {
    return !id.empty() && id.size() <= longest_request_id &&
           std::ranges::all_of(id, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_' || c == '.'; });
}

}  // namespace

// Rate, errors and duration of one route.
struct exchange::series {
    std::array<telemetry::counter*, 6> by_class{};  // [2] counts 2xx
    telemetry::histogram* seconds = nullptr;
};

// A small cache per thread in front of the registry, which takes a lock. Routes are static text: their address is the key.
exchange::series& exchange::series_of(std::string_view verb, std::string_view route) {
    struct hash {
        std::size_t operator()(const std::pair<const char*, const char*>& k) const noexcept {
            return reinterpret_cast<std::uintptr_t>(k.first) * 31 ^ reinterpret_cast<std::uintptr_t>(k.second);
        }
    };
    thread_local std::unordered_map<std::pair<const char*, const char*>, series, hash> known;
    auto& s = known[{verb.data(), route.data()}];
    if (!s.seconds) {
        static constexpr std::string_view classes[] = {"0xx", "1xx", "2xx", "3xx", "4xx", "5xx"};
        for (std::size_t i = 0; i < s.by_class.size(); ++i)
            s.by_class[i] = &telemetry::count("bv_http_requests_total", "HTTP requests answered, by route and class of status",
                                              {{"method", verb}, {"route", route}, {"status", classes[i]}});
        s.seconds = &telemetry::time("bv_http_request_seconds", "From a request's first byte to its answer", {{"method", verb}, {"route", route}});
    }
    return s;
}

// Pages, health checks, metrics and the traces themselves would fill the trace store with looking at it: they are traced
// only when the caller asks for it.
static telemetry::span_context parent_of(const http::request& request, rng& r) {
    auto parent = telemetry::span_context::parse(request.headers.get("traceparent"));
    const auto path = request.path();
    const bool observer = !path.starts_with("/v1/") || path.starts_with("/v1/traces") || path.starts_with("/v1/platform/");
    if (parent.valid() || !observer) return parent;
    r.fill(parent.trace_id);
    r.fill(parent.span_id);
    parent.sampled = false;
    return parent;
}

exchange::exchange(clock& c, rng& r, const http::request& request)
    : span("request", telemetry::span_kind::server, parent_of(request, r)),
      started(request.received == steady_point{} ? c.steady_now() : request.received) {
    const auto given = request.headers.get("X-Request-Id");
    request_id = sane(given) ? std::string(given) : uuid::v7(c, r).str();
    span.set(semconv::request_id, request_id);
    span.set(semconv::service_name, "gateway");
}

void exchange::name_route(std::string_view verb, std::string_view path, const rpc::method* method) {
    static constexpr std::string_view verbs[] = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"};
    const auto it = std::ranges::find(verbs, verb);
    verb_ = it == std::end(verbs) ? std::string_view("other") : *it;  // static text, see series_of
    route_ = path;
    if (span.context().sampled) span.rename(fmt::format("{} {}", verb_, path));
    span.set(semconv::http_request_method, verb_);
    span.set(semconv::http_route, path);
    if (method) span.set(semconv::rpc_method, method->name);
}

void exchange::log_bug(const error& e) const {
    telemetry::error("edge.failed", {{"code", name(e.code)}, {"reason", e.reason}, {"error", e.message}}, span.context());
}

http::response exchange::refuse(const error& e) {
    rpc_code = e.code;
    return rpc::grpc::refusal(rpc::shown(e));
}

void exchange::done(clock& c, const http::request& request, const http::response& response, bool access_log) {
    const auto seconds = std::chrono::duration<double>(c.steady_now() - started).count();
    const int status = rpc_code ? http_status(*rpc_code) : response.status;
    auto& s = series_of(verb_, route_);
    s.by_class[std::clamp(status / 100, 0, 5)]->add();
    s.seconds->observe(seconds);
    span.set(semconv::http_response_status_code, static_cast<std::int64_t>(response.status));
    if (rpc_code) span.set(semconv::rpc_grpc_status_code, static_cast<std::int64_t>(*rpc_code));
    if (status >= 500) span.fail(rpc_code ? std::string(name(*rpc_code)) : "HTTP " + std::to_string(status));
    if (access_log)
        telemetry::log(status >= 500 ? telemetry::level::warn : telemetry::level::debug, "http.request",
                       {{"method", verb_}, {"route", route_}, {"status", status}, {"duration_ms", seconds * 1000}, {"bytes", response.body.size()},
                        {"actor", caller.actor()}, {"remote", request.remote_address}, {"request_id", request_id}},
                       span.context());
    span.end();
}

}  // namespace bv::gateway
