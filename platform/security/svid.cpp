#include "platform/security/svid.hpp"

#include <ctime>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <openssl/pem.h>

#include "platform/security/openssl_ptr.hpp"

namespace bv::security {

namespace {

using store_ptr = std::unique_ptr<X509_STORE, freed<X509_STORE_free>>;
using check_ptr = std::unique_ptr<X509_STORE_CTX, freed<X509_STORE_CTX_free>>;
using chain_ptr = std::unique_ptr<STACK_OF(X509), decltype([](STACK_OF(X509) * s) { sk_X509_free(s); })>;  // owns none of them
using names_ptr = std::unique_ptr<GENERAL_NAMES, freed<GENERAL_NAMES_free>>;

std::unexpected<error> refused(std::string reason, std::string message) { return fail(code::failed_precondition, std::move(reason), std::move(message)); }

bio_ptr over(const std::string& text) { return bio_ptr(BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))); }

std::vector<certificate_ptr> certificates_in(const std::string& pem) {
    std::vector<certificate_ptr> out;
    const auto in = over(pem);
    while (certificate_ptr one{PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr)}) out.push_back(std::move(one));
    return out;
}

time_point time_of(const ASN1_TIME* at) {
    std::tm civil{};
    return ASN1_TIME_to_tm(at, &civil) == 1 ? time_point(seconds(::timegm(&civil))) : time_point{};
}

std::string text_of(time_point t) { return rfc3339(std::chrono::floor<seconds>(t)); }

// Empty when it is good for that: as a peer's TLS checks it.
std::string fault_of(const std::vector<certificate_ptr>& shown, const std::vector<certificate_ptr>& trusted, int purpose, time_point at) {
    const store_ptr store(X509_STORE_new());
    for (const auto& c : trusted) X509_STORE_add_cert(store.get(), c.get());
    const chain_ptr between(sk_X509_new_null());
    for (std::size_t i = 1; i < shown.size(); ++i) sk_X509_push(between.get(), shown[i].get());
    const check_ptr check(X509_STORE_CTX_new());
    X509_STORE_CTX_init(check.get(), store.get(), shown.front().get(), between.get());
    X509_STORE_CTX_set_purpose(check.get(), purpose);
    X509_STORE_CTX_set_flags(check.get(), X509_V_FLAG_X509_STRICT);
    X509_STORE_CTX_set_time(check.get(), 0, static_cast<std::time_t>(std::chrono::floor<seconds>(at).time_since_epoch().count()));
    if (X509_verify_cert(check.get()) == 1) return {};
    return X509_verify_cert_error_string(X509_STORE_CTX_get_error(check.get()));
}

// The one URI among its names; empty when there is none, or another beside it.
std::string uri_of(X509* c) {
    const names_ptr names(static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(c, NID_subject_alt_name, nullptr, nullptr)));
    std::string out;
    for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()); ++i) {
        const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
        if (name->type != GEN_URI) continue;
        if (!out.empty()) return {};
        const auto* text = name->d.uniformResourceIdentifier;
        out.assign(reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)), static_cast<std::size_t>(ASN1_STRING_length(text)));
    }
    return out;
}

}  // namespace

result<svid> checked(svid s, const spiffe_id& wanted, time_point at) {
    const auto shown = certificates_in(s.certificate), trusted = certificates_in(s.trust);
    const auto in = over(s.private_key);
    const key_ptr key(PEM_read_bio_PrivateKey(in.get(), nullptr, nullptr, nullptr));
    if (shown.empty() || trusted.empty() || !key)
        return refused("SVID_MALFORMED", fmt::format("the {} of {} is not in PEM", shown.empty() ? "certificate" : key ? "authority" : "private key", wanted.str()));
    X509* const own = shown.front().get();
    if (X509_check_private_key(own, key.get()) != 1) return refused("SVID_KEY", fmt::format("the private key of {} belongs to another certificate", wanted.str()));
    if (const auto name = uri_of(own); name != wanted.str())
        return refused("SVID_OTHER_NAME", fmt::format("the certificate is for {}, not for {}", name.empty() ? "nobody by one SPIFFE ID" : name, wanted.str()));
    s.not_after = time_of(X509_get0_notAfter(own));
    if (s.not_after <= at) return refused("SVID_ENDED", fmt::format("the certificate of {} ended at {}", wanted.str(), text_of(s.not_after)));
    if (const auto from = time_of(X509_get0_notBefore(own)); from > at)
        return refused("SVID_NOT_YET", fmt::format("the certificate of {} is good from {} on, and it is {}", wanted.str(), text_of(from), text_of(at)));
    for (const int purpose : {X509_PURPOSE_SSL_SERVER, X509_PURPOSE_SSL_CLIENT})
        if (const auto why = fault_of(shown, trusted, purpose, at); !why.empty())
            return refused("SVID_UNTRUSTED", fmt::format("peers will not take the certificate of {} by the authorities given: {}", wanted.str(), why));
    return s;
}

}  // namespace bv::security
