#include "platform/net/http/tls.hpp"

#include <string_view>

#include <openssl/ssl.h>

#include "platform/core/error.hpp"

namespace bv::http {

namespace {

namespace ssl = boost::asio::ssl;

constexpr unsigned char offered[] = "\x02h2\x08http/1.1";  // by the server, in its order
constexpr unsigned char http1_only[] = "\x08http/1.1";
constexpr unsigned char http2_only[] = "\x02h2";

int choose_protocol(SSL*, const unsigned char** out, unsigned char* length, const unsigned char* in, unsigned in_length, void*) {
    auto* chosen = const_cast<unsigned char**>(out);
    const int found = SSL_select_next_proto(chosen, length, offered, sizeof offered - 1, in, in_length);
    return found == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

void require(const boost::system::error_code& ec, std::string_view what, const std::string& file) {
    if (ec)
        throw failure(code::invalid_argument, "TLS_FILES",
                      "cannot use the " + std::string(what) + " " + file + ": " + ec.message() + "; give a readable PEM file");
}

}  // namespace

void choose_protocols(ssl::context& of_server) { SSL_CTX_set_alpn_select_cb(of_server.native_handle(), choose_protocol, nullptr); }

void ask_for_protocol(ssl::context& of_client, bool http2) {
    if (http2) SSL_CTX_set_alpn_protos(of_client.native_handle(), http2_only, sizeof http2_only - 1);
    else SSL_CTX_set_alpn_protos(of_client.native_handle(), http1_only, sizeof http1_only - 1);
}

std::unique_ptr<ssl::context> server_tls(const tls_files& files) {
    if (files.certificate_chain.empty() || files.private_key.empty())
        throw failure(code::invalid_argument, "TLS_FILES", "TLS needs a certificate and its private key: only one of the two files is given");
    auto context = std::make_unique<ssl::context>(ssl::context::tls_server);
    context->set_options(ssl::context::default_workarounds | ssl::context::no_sslv2 | ssl::context::no_sslv3 | SSL_OP_NO_RENEGOTIATION);
    auto* native = context->native_handle();
    SSL_CTX_set_min_proto_version(native, TLS1_2_VERSION);
    SSL_CTX_set_mode(native, SSL_MODE_RELEASE_BUFFERS);
    choose_protocols(*context);
    boost::system::error_code ec;
    context->use_certificate_chain_file(files.certificate_chain, ec);
    require(ec, "certificate chain", files.certificate_chain);
    context->use_private_key_file(files.private_key, ssl::context::pem, ec);
    require(ec, "private key", files.private_key);
    return context;
}

std::unique_ptr<ssl::context> client_tls(const std::string& ca_file, bool http2) {
    auto context = std::make_unique<ssl::context>(ssl::context::tls_client);
    SSL_CTX_set_min_proto_version(context->native_handle(), TLS1_2_VERSION);
    ask_for_protocol(*context, http2);
    boost::system::error_code ec;
    if (ca_file.empty()) context->set_default_verify_paths(ec);
    else context->load_verify_file(ca_file, ec);
    require(ec, "certificate authority", ca_file.empty() ? "of the system" : ca_file);
    // A file given may hold the peer's own certificate instead of an authority's: that is trust enough.
    if (!ca_file.empty()) X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(context->native_handle()), X509_V_FLAG_PARTIAL_CHAIN);
    context->set_verify_mode(ssl::verify_peer);
    return context;
}

}  // namespace bv::http
