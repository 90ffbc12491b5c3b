#include "platform/net/http/mutual_tls.hpp"

#include <ctime>

#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "platform/net/http/tls.hpp"

namespace bv::http {

namespace {

namespace ssl = boost::asio::ssl;

void require(const boost::system::error_code& ec, std::string_view what) {
    if (ec) throw failure(code::invalid_argument, "TLS_IDENTITY", "the " + std::string(what) + " of a TLS identity cannot be used: " + ec.message());
}

mutual_tls::context make_context(ssl::context::method method, const tls_identity& id) {
    auto out = std::make_shared<ssl::context>(method);
    auto* native = out->native_handle();
    SSL_CTX_set_min_proto_version(native, TLS1_3_VERSION);
    // Every connection shows its certificate: none goes on from an earlier one.
    SSL_CTX_set_options(native, SSL_OP_NO_TICKET);
    SSL_CTX_set_num_tickets(native, 0);
    SSL_CTX_set_session_cache_mode(native, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_mode(native, SSL_MODE_RELEASE_BUFFERS);
    boost::system::error_code ec;
    const auto buffer = [](const std::string& text) { return boost::asio::buffer(text.data(), text.size()); };
    out->use_certificate_chain(buffer(id.certificate_chain), ec);
    require(ec, "certificate");
    out->use_private_key(buffer(id.private_key), ssl::context::pem, ec);
    require(ec, "private key");
    out->add_certificate_authority(buffer(id.trust), ec);
    require(ec, "authority");
    X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(native), X509_V_FLAG_X509_STRICT);
    out->set_verify_mode(ssl::verify_peer | ssl::verify_fail_if_no_peer_cert);
    return out;
}

std::unexpected<error> unknown(std::string_view why) { return fail(code::unauthenticated, "PEER_UNKNOWN", "The other side is not known: " + std::string(why) + "."); }

using names_ptr = std::unique_ptr<GENERAL_NAMES, decltype(&GENERAL_NAMES_free)>;

}  // namespace

result<tls_peer> peer_of(SSL* connection) {
    X509* const certificate = SSL_get0_peer_certificate(connection);
    if (certificate == nullptr || SSL_get_verify_result(connection) != X509_V_OK) return unknown("it has shown no certificate");
    if ((X509_get_extension_flags(certificate) & EXFLAG_CA) != 0) return unknown("its certificate is an authority's");
    const names_ptr names(static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)), &GENERAL_NAMES_free);
    tls_peer out;
    int uris = 0;
    for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()); ++i) {
        const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
        if (name->type != GEN_URI) continue;
        const auto* text = name->d.uniformResourceIdentifier;
        out.uri.assign(reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)), static_cast<std::size_t>(ASN1_STRING_length(text)));
        ++uris;
    }
    if (uris != 1) return unknown("its certificate does not name it by one URI");
    std::tm until{};
    if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &until) != 1) return unknown("its certificate has no end");
    out.not_after = time_point(seconds(::timegm(&until)));
    return out;
}

mutual_tls::mutual_tls(const tls_identity& id) : now_(make(id)) {}

mutual_tls::contexts mutual_tls::make(const tls_identity& id) {
    contexts out{make_context(ssl::context::tls_server, id), make_context(ssl::context::tls_client, id), make_context(ssl::context::tls_client, id)};
    choose_protocols(*out.server);
    ask_for_protocol(*out.http1, false);
    ask_for_protocol(*out.http2, true);
    return out;
}

void mutual_tls::replace(const tls_identity& id) {
    auto fresh = make(id);
    {
        const std::lock_guard lock(mutex_);
        now_ = std::move(fresh);
    }
    generation_.fetch_add(1, std::memory_order_acq_rel);
}

mutual_tls::context mutual_tls::server() const {
    const std::lock_guard lock(mutex_);
    return now_.server;
}

mutual_tls::context mutual_tls::client(bool http2) const {
    const std::lock_guard lock(mutex_);
    return http2 ? now_.http2 : now_.http1;
}

}  // namespace bv::http
