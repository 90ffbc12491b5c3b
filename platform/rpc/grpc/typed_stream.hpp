// Generated methods with streams as gRPC serves them.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "platform/rpc/grpc/stream.hpp"
#include "platform/rpc/message.hpp"
#include "platform/rpc/message_stream.hpp"
#include "platform/rpc/method.hpp"

namespace bv::rpc::grpc {

// The generated function that reads one serialized message and validates it.
template <class Request>
using parse = result<void> (*)(std::string_view bytes, Request&);

namespace typed {

template <class Request>
class requests final : public message_stream<Request> {
public:
    requests(incoming& in, parse<Request> p) : in_(in), parse_(p) {}
    task<result<std::optional<placed<Request>>>> next() override {
        auto bytes = co_await in_.next();
        if (!bytes) co_return std::unexpected(std::move(bytes.error()));
        if (!*bytes) co_return std::nullopt;
        Request m;
        ++number_;
        if (auto parsed = parse_(**bytes, m); !parsed) co_return placed<Request>{number_, std::unexpected(std::move(parsed.error()))};
        co_return placed<Request>{number_, std::move(m)};
    }

private:
    incoming& in_;
    parse<Request> parse_;
    std::int64_t number_ = 0;
};

template <class Response>
class answers final : public message_sink<Response> {
public:
    explicit answers(outgoing& out) : out_(out) {}
    task<bool> write(const Response& m) override {
        std::string bytes;
        if (const auto written = append_message(bytes, m); !written) throw failure(written.error());
        co_return co_await out_.write(bytes);
    }

private:
    outgoing& out_;
};

template <class Request, class Response>
using stream_to_stream = std::function<task<result<void>>(context&, message_stream<Request>&, message_sink<Response>&)>;
template <class Request, class Response>
using stream_to_one = std::function<task<result<Response>>(context&, message_stream<Request>&)>;
template <class Request, class Response>
using one_to_stream = std::function<task<result<void>>(context&, Request, message_sink<Response>&)>;

template <class Request, class Response>
task<result<void>> run(const streamed_method& m, parse<Request> p, const stream_to_stream<Request, Response>& call, context& ctx, incoming& in, outgoing& out) {
    if (auto allowed = authorize(m.auth, ctx.caller); !allowed) co_return allowed;
    requests<Request> all(in, p);
    answers<Response> to(out);
    co_return co_await call(ctx, all, to);
}

template <class Request, class Response>
task<result<void>> run(const streamed_method& m, parse<Request> p, const stream_to_one<Request, Response>& call, context& ctx, incoming& in, outgoing& out) {
    if (auto allowed = authorize(m.auth, ctx.caller); !allowed) co_return allowed;
    requests<Request> all(in, p);
    const auto answer = co_await call(ctx, all);
    if (!answer) co_return std::unexpected(answer.error());
    answers<Response> to(out);
    co_await to.write(*answer);
    co_return result<void>{};
}

template <class Request, class Response>
task<result<void>> run(const streamed_method& m, parse<Request> p, const one_to_stream<Request, Response>& call, context& ctx, incoming& in, outgoing& out) {
    if (auto allowed = authorize(m.auth, ctx.caller); !allowed) co_return allowed;
    requests<Request> all(in, p);
    auto one = co_await all.next();
    if (!one) co_return std::unexpected(std::move(one.error()));
    if (!*one) co_return fail(code::internal, "MALFORMED_FRAME", "The call has no message.");
    if (!(*one)->message) co_return std::unexpected(std::move((*one)->message.error()));
    answers<Response> to(out);
    co_return co_await call(ctx, std::move(*(*one)->message), to);
}

}  // namespace typed

// Both sides send as many as they like, and the call ends with its outcome; a stream of requests with one answer; one request with a
// stream of answers. The caller is authorized as the contract says, each request read by `p`. The method outlives what this gives.
template <class Request, class Response>
[[nodiscard]] streamed serve_messages(const streamed_method& m, parse<Request> p, typed::stream_to_stream<Request, Response> call) {
    return {std::string(m.path),
            [&m, p, call = std::move(call)](context& ctx, incoming& in, outgoing& out) { return typed::run<Request, Response>(m, p, call, ctx, in, out); }, &m};
}
template <class Request, class Response>
[[nodiscard]] streamed serve_requests(const streamed_method& m, parse<Request> p, typed::stream_to_one<Request, Response> call) {
    return {std::string(m.path),
            [&m, p, call = std::move(call)](context& ctx, incoming& in, outgoing& out) { return typed::run<Request, Response>(m, p, call, ctx, in, out); }, &m};
}
template <class Request, class Response>
[[nodiscard]] streamed serve_answers(const streamed_method& m, parse<Request> p, typed::one_to_stream<Request, Response> call) {
    return {std::string(m.path),
            [&m, p, call = std::move(call)](context& ctx, incoming& in, outgoing& out) { return typed::run<Request, Response>(m, p, call, ctx, in, out); }, &m};
}

}  // namespace bv::rpc::grpc
