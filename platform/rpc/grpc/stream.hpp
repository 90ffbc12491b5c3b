// gRPC methods whose requests or answers are streams, as the server sees them: serialized messages one after another.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "platform/core/task.hpp"
#include "platform/net/http/body_reader.hpp"
#include "platform/net/http/message.hpp"
#include "platform/rpc/context.hpp"
#include "platform/rpc/method.hpp"

namespace bv::rpc::grpc {

// What the client sends. nullopt: that was all.
class incoming {
public:
    virtual ~incoming() = default;
    // The request's fields, its metadata among them.
    [[nodiscard]] virtual const http::fields& metadata() const noexcept = 0;
    virtual task<result<std::optional<std::string>>> next() = 0;
};

// What the client is sent. False: it has gone, or does not want more.
class outgoing {
public:
    virtual ~outgoing() = default;
    virtual task<bool> write(std::string_view message) = 0;
    // Metadata, in lower case, "-bin" as base64: before the first message, and with the status.
    virtual void add_initial(std::string_view name, std::string_view value) = 0;
    virtual void add_trailing(std::string_view name, std::string_view value) = 0;
};

// One method. Reading waits for the client, writing for what it can take, and both may be done in turn (bidirectional). Ends the call
// with its outcome. Cancelled when the client gives up, and at the deadline of the context.
struct streamed {
    std::string path;  // "/grpc.health.v1.Health/Watch"
    std::function<task<result<void>>(context&, incoming&, outgoing&)> run{};
    const streamed_method* contract = nullptr;  // where it has one
};

// Who reads of errors: the outside is not told what broke within.
enum class audience : unsigned char { outside, peers };

// The answer to such a call: its stream runs the method. Messages are compressed the way the request's are. `method`, request and body
// outlive it, as those of an http::body_stream do.
[[nodiscard]] http::response serve(const streamed& method, const http::request&, http::body_reader&, context, std::size_t max_message_bytes, audience = audience::outside);

}  // namespace bv::rpc::grpc
