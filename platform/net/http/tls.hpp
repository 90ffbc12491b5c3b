// TLS settings of the server (1.2 and later, ALPN h2 and http/1.1) and of the client (verified peers).
#pragma once

#include <memory>
#include <string>

#include <boost/asio/ssl/context.hpp>

#include "platform/net/http/server.hpp"

namespace bv::http {

// Throws failure INVALID_ARGUMENT "TLS_FILES" naming the file that cannot be used.
[[nodiscard]] std::unique_ptr<boost::asio::ssl::context> server_tls(const tls_files&);
// ca_file: PEM; empty: the system's. Throws failure INVALID_ARGUMENT "TLS_FILES".
[[nodiscard]] std::unique_ptr<boost::asio::ssl::context> client_tls(const std::string& ca_file, bool http2 = false);

// By ALPN: of what a client offers h2 before http/1.1; to ask for just one of them.
void choose_protocols(boost::asio::ssl::context& of_server);
void ask_for_protocol(boost::asio::ssl::context& of_client, bool http2);

}  // namespace bv::http
