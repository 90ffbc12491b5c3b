// The way to services of another process: what generated remote clients call.
#pragma once

#include "platform/core/error.hpp"
#include "platform/core/task.hpp"
#include "platform/rpc/context.hpp"
#include "platform/rpc/method.hpp"

namespace google::protobuf {
class MessageLite;
}

namespace bv::rpc {

// Thread-safe; outlives the clients that use it.
class channel {
public:
    virtual ~channel() = default;
    // One request, one answer. The context's caller, trace, deadline, keys and conditions travel with it; its ETag comes back.
    // What the service refuses is an error, as in the same process. Throws failure UNAVAILABLE when no instance was reached or the
    // answer was lost, DEADLINE_EXCEEDED when the context's time is up; a cancelled caller cancels the call. The references live
    // as long as the caller awaits.
    virtual task<result<void>> unary(const method&, const google::protobuf::MessageLite& request, google::protobuf::MessageLite& answer, context&) = 0;
};

}  // namespace bv::rpc
