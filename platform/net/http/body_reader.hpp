// A request's body that arrives as it is asked for. Between two pieces nothing is read from the connection, so the peer cannot
// send faster than the handler takes, and no more than one read is held.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "platform/core/error.hpp"
#include "platform/core/task.hpp"
#include "platform/net/http/message.hpp"

namespace bv::http {

class body_reader {
public:
    virtual ~body_reader() = default;
    // The next piece, never empty; nullopt: the body was whole. An error ends it: too large, malformed, too slow, or the peer has
    // gone. The server then answers that itself, whatever the handler says.
    virtual task<result<std::optional<std::string>>> read() = 0;
};

// How the server serves a request whose body is not read before its handler is called. A handler need not read it to the end: what
// has arrived by then is dropped, and where more is to come the connection ends with the answer. A client that waits for
// "100 Continue" is invited by the first read().
struct body_stream {
    std::uint64_t max_bytes = 0;  // more: 413
    std::function<task<response>(request&, body_reader&)> handle{};  // request.body is empty; the reader is good until it returns
    // The client may be silent for as long as it lives, which HTTP/2 asks it; else body_timeout bounds each wait.
    bool unhurried = false;
    // Over HTTP/2 request and reader are good until the answer has been streamed: both may run at once.
};

}  // namespace bv::http
