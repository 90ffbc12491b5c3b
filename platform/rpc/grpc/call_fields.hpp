// The fields that begin a call, and the texts that they refer to.
#pragma once

#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "platform/net/http2/frames.hpp"
#include "platform/rpc/grpc/channel.hpp"
#include "platform/rpc/grpc/wire.hpp"

namespace bv::rpc::grpc {

// All that it is given outlives it.
class call_fields {
public:
    call_fields(const channel_options& o, std::string_view path, const context& ctx, const telemetry::span_context& trace)
        : trace_(trace.traceparent()), caller_(o.caller_text ? o.caller_text(ctx.caller) : std::string{}) {
        if (!o.token.empty()) token_ = "Bearer " + o.token;
        all_ = {{":method", "POST"}, {":scheme", o.tls || o.peers ? "https" : "http"}, {":path", path}, {":authority", ""}, {"te", "trailers"},
                {"content-type", content_type}, {"grpc-accept-encoding", "identity,gzip"}};
        if (o.gzip) add("grpc-encoding", "gzip");
        add("authorization", token_);
        add("bv-caller", caller_);
        add("traceparent", trace_);
        add("x-request-id", ctx.request_id);
        add("idempotency-key", ctx.idempotency_key);
        add("if-match", ctx.if_match);
        add("if-none-match", ctx.if_none_match);
        if (o.caller_text) add("bv-remote-address", ctx.remote_address);
        for (const auto& [name, value] : o.metadata) add(name, value);
        all_.push_back({"grpc-timeout", ""});
    }
    // left: until the deadline; nullopt: there is none.
    [[nodiscard]] std::span<const http2::field> to(std::string_view authority, std::optional<std::chrono::nanoseconds> left) {
        all_[3].value = authority;
        if (!left) return std::span(all_).first(all_.size() - 1);
        timeout_ = format_timeout(*left);
        all_.back().value = timeout_;
        return all_;
    }

private:
    void add(std::string_view name, std::string_view value) {
        if (!value.empty()) all_.push_back({name, value});
    }
    std::string trace_, caller_, token_, timeout_;
    std::vector<http2::field> all_;
};

}  // namespace bv::rpc::grpc
