// A method whose request is a stream of messages, as the edge serves it over HTTP.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "platform/net/http/body_reader.hpp"
#include "platform/rpc/json.hpp"
#include "platform/rpc/method.hpp"
#include "platform/rpc/ndjson.hpp"
#include "platform/rpc/problem.hpp"

namespace bv::rpc {

struct stream_route {
    const streamed_method* method = nullptr;
    // Called for callers that the method lets through. The edge adds security headers, tracing, metrics and limits.
    std::function<task<http::response>(http::request&, http::body_reader&, context&)> handle{};
};

namespace streaming {

template <class Request, class Response>
task<http::response> serve(std::function<task<result<Response>>(context&, message_stream<Request>&)> call, typename ndjson_stream<Request>::parse parse,
                           http::request& request, http::body_reader& body, context& ctx) {
    if (auto type = check_ndjson(request); !type) co_return problem_response(type.error(), ctx.trace);
    ndjson_stream<Request> messages(body, parse);
    const auto answer = co_await call(ctx, messages);
    if (!answer) co_return problem_response(answer.error(), ctx.trace);
    http::response out;
    json::append(out.body, *answer);
    co_return out;
}

}  // namespace streaming

// The route of a generated streamed method: `parse` reads and validates one of its messages, `call` is the use case.
template <class Request, class Response>
[[nodiscard]] stream_route serve_stream(const streamed_method& m, typename ndjson_stream<Request>::parse parse,
                                        std::function<task<result<Response>>(context&, message_stream<Request>&)> call) {
    return {&m, [call = std::move(call), parse](http::request& r, http::body_reader& b, context& c) { return streaming::serve<Request, Response>(call, parse, r, b, c); }};
}

}  // namespace bv::rpc
