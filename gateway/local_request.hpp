// Requests of this machine.
#pragma once

#include "platform/net/http/message.hpp"

namespace bv::gateway {

// Of a loopback client that names a loopback host, and whom no proxy on this machine serves, as far as proxies say so.
[[nodiscard]] bool is_local(const http::request&);

}  // namespace bv::gateway
