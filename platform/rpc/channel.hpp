// The way to services of another process: what generated remote clients call.
#pragma once

#include <memory>

#include "platform/core/error.hpp"
#include "platform/core/task.hpp"
#include "platform/rpc/context.hpp"
#include "platform/net/http/message.hpp"
#include "platform/rpc/method.hpp"

namespace google::protobuf {
class MessageLite;
}

namespace bv::rpc {

// One call whose request, answer or both are streams, as its client sees it. Used on the thread that opened it; one read and one write
// at a time. To give it up before its end tells the other side.
class stream_call {
public:
    virtual ~stream_call() = default;
    // Sends one, and resumes when the other side can take more. False: the call has ended, and read() says how.
    virtual task<bool> write(const google::protobuf::MessageLite&) = 0;
    virtual void finish_writing() = 0;
    // True: the next one. False: that was all, and the call went well. What the service refuses is an error; throws as
    // channel::unary does.
    virtual task<result<bool>> read(google::protobuf::MessageLite&) = 0;
    // Metadata of the answer: once read() has returned; once it has returned no message.
    [[nodiscard]] virtual const http::fields& initial() const noexcept = 0;
    [[nodiscard]] virtual const http::fields& trailing() const noexcept = 0;
};

// Thread-safe; outlives the clients that use it.
class channel {
public:
    virtual ~channel() = default;
    // One request, one answer. The context's caller, trace, deadline, keys and conditions travel with it; its ETag comes back.
    // What the service refuses is an error, as in the same process. Throws failure UNAVAILABLE when no instance was reached or the
    // answer was lost, DEADLINE_EXCEEDED when the context's time is up; a cancelled caller cancels the call. The references live
    // as long as the caller awaits.
    virtual task<result<void>> unary(const method&, const google::protobuf::MessageLite& request, google::protobuf::MessageLite& answer, context&) = 0;
    // A call with streams: opened, nothing sent yet. Throws as unary does. The method outlives the call.
    virtual task<std::unique_ptr<stream_call>> open(const streamed_method&, context&) = 0;
};

}  // namespace bv::rpc
