// Messages that one side sends after another within one call.
#pragma once

#include <cstdint>
#include <optional>

#include "platform/core/error.hpp"
#include "platform/core/task.hpp"

namespace bv::rpc {

// One of them, by its place in what the client sent: the line of NDJSON, the number of a gRPC message. An error is what is wrong with this one: others follow.
template <class Message>
struct placed {
    std::int64_t line = 0;
    result<Message> message;
};

template <class Message>
class message_stream {
public:
    virtual ~message_stream() = default;
    // The next one, when it has arrived and not before it is asked for; nullopt: that was all. An error ends the stream: it broke.
    virtual task<result<std::optional<placed<Message>>>> next() = 0;
};

template <class Message>
class message_sink {
public:
    virtual ~message_sink() = default;
    // Resumes when the other side can take more. False: it has gone.
    virtual task<bool> write(const Message&) = 0;
};

}  // namespace bv::rpc
