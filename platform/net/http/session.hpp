// The protocols that a connection may speak once it is accepted (and its TLS handshake done).
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "platform/core/task.hpp"
#include "platform/net/http/connection.hpp"
#include "platform/net/http/listener.hpp"

namespace bv::http {

// Speaks HTTP/1.x until the connection ends, or until its first bytes turn out to be HTTP/2's: then it gives what it has read.
// The arguments live as long as the caller awaits.
task<std::optional<std::string>> serve_http1(core_listener&, connection&);
// Answers 503 and closes.
task<void> refuse(core_listener&, connection&);
// Answers plain HTTP on a port for TLS 400, with what to do, and closes. Redirecting would hide that a token went in the clear.
task<void> refuse_plain(core_listener&, connection&);

}  // namespace bv::http
