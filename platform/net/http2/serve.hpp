// HTTP/2 on an accepted connection: the same handlers, streams of request bodies and limits as over HTTP/1.1.
#pragma once

#include <string>

#include "platform/core/task.hpp"
#include "platform/net/http/connection.hpp"
#include "platform/net/http/listener.hpp"

namespace bv::http2 {

// What a client begins with when it knows that the server speaks HTTP/2 (RFC 9113 section 3.4).
inline constexpr std::string_view preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

// Speaks HTTP/2 until the connection ends and every handler has. `begun`: what was read of it already. The references live as long as
// the caller awaits.
task<void> serve(http::core_listener&, http::connection&, std::string begun);

}  // namespace bv::http2
