// How a command on this machine reaches the running platform.
#pragma once

#include "app/stack/data_dir.hpp"
#include "platform/net/http/client.hpp"

namespace bv::stack {

// Under TLS the platform is known by its own certificate, whatever names that is for: the connection is to this machine.
[[nodiscard]] inline http::client_options local_client(const running_platform& p) {
    http::client_options o;
    o.port = p.port;
    o.tls = !p.certificate.empty();
    o.ca_file = p.certificate;
    o.any_name = o.tls;
    return o;
}

}  // namespace bv::stack
