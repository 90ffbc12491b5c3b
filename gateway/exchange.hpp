// One request and its answer as the edge sees them: span, ids, who called, measurements, access log line.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "platform/core/clock.hpp"
#include "platform/core/error.hpp"
#include "platform/net/http/message.hpp"
#include "platform/resilience/rate_limit.hpp"
#include "platform/rpc/context.hpp"
#include "platform/rpc/method.hpp"
#include "platform/telemetry/trace.hpp"

namespace bv::gateway {

class exchange {
public:
    // Continues the caller's trace (traceparent) and takes its X-Request-Id where it is sane, else mints one.
    exchange(clock&, rng&, const http::request&);

    // Once the route is known: names the span "GET /v1/orders/{id}". method is null for raw routes.
    void name_route(std::string_view verb, std::string_view path, const rpc::method*);
    void log_bug(const error&) const;
    // A gRPC call's answer that is an error.
    [[nodiscard]] http::response refuse(const error&);
    // Measures, logs, and ends the span.
    void done(clock&, const http::request&, const http::response&, bool access_log);

    telemetry::span span;
    std::string request_id;
    steady_point started;
    rpc::principal caller;
    std::optional<resilience::rate_decision> rate;
    std::optional<code> rpc_code;  // of a gRPC call, whose HTTP status says nothing

private:
    std::string_view verb_ = "";
    std::string_view route_ = "unrouted";
    struct series;
    static series& series_of(std::string_view verb, std::string_view route);
};

}  // namespace bv::gateway
