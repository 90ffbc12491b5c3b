#include "platform/security/certificate_authority.hpp"

#include <utility>

#include <openssl/pem.h>

#include "platform/core/assert.hpp"
#include "platform/security/digest.hpp"
#include "platform/security/openssl_ptr.hpp"

namespace bv::security {

namespace {

constexpr std::chrono::days authority_life{3650}, renewed_before{30};
constexpr seconds clock_difference{60};
constexpr int most_tries = 8;  // to replace one that others replace, too

// OpenSSL fails here only when memory is short, or by a bug of ours.
void require(bool good) { BV_ASSERT(good); }

template <class Write>
std::string text_of(Write write) {
    const bio_ptr out(BIO_new(BIO_s_mem()));
    require(out && write(out.get()) == 1);
    char* bytes = nullptr;
    const auto n = BIO_get_mem_data(out.get(), &bytes);
    return {bytes, static_cast<std::size_t>(n)};
}

std::string pem_of(X509* c) {
    return text_of([c](BIO* out) { return PEM_write_bio_X509(out, c); });
}
std::string pem_of(EVP_PKEY* k) {
    return text_of([k](BIO* out) { return PEM_write_bio_PKCS8PrivateKey(out, k, nullptr, nullptr, 0, nullptr, nullptr); });
}

key_ptr new_key() {
    key_ptr key(EVP_EC_gen("P-256"));
    require(key != nullptr);
    return key;
}

time_point time_of(const ASN1_TIME* at) {
    std::tm civil{};
    require(ASN1_TIME_to_tm(at, &civil) == 1);
    return time_point(seconds(::timegm(&civil)));
}

void set_times(X509* c, time_point from, time_point until) {
    const auto unix_of = [](time_point t) { return static_cast<std::time_t>(std::chrono::floor<seconds>(t).time_since_epoch().count()); };
    require(ASN1_TIME_set(X509_getm_notBefore(c), unix_of(from)) != nullptr && ASN1_TIME_set(X509_getm_notAfter(c), unix_of(until)) != nullptr);
}

// 127 random bits (RFC 5280 section 4.1.2.2).
void set_serial(X509* c) {
    const number_ptr n(BN_new());
    require(n && BN_rand(n.get(), 127, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY) == 1 && BN_to_ASN1_INTEGER(n.get(), X509_get_serialNumber(c)) != nullptr);
}

void set_name(X509* c, const std::string& name) {
    auto* subject = X509_get_subject_name(c);
    const auto add = [subject](const char* field, const std::string& text) {
        require(X509_NAME_add_entry_by_txt(subject, field, MBSTRING_UTF8, reinterpret_cast<const unsigned char*>(text.data()), static_cast<int>(text.size()), -1, 0) == 1);
    };
    add("O", "BitVelocity");
    add("CN", name.substr(0, 64));
}

void add_extension(X509* to, X509* issuer, int which, const char* value) {
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, to, nullptr, nullptr, 0);
    const extension_ptr made(X509V3_EXT_conf_nid(nullptr, &context, which, value));
    require(made && X509_add_ext(to, made.get(), -1) == 1);
}

struct request {
    const spiffe_id& id;
    std::string name;
    time_point from, until;
    bool authority;
};

// `issuer` null: it signs itself.
certificate_ptr certificate(const request& r, EVP_PKEY* key, X509* issuer, EVP_PKEY* issuer_key) {
    certificate_ptr made(X509_new());
    X509* const c = made.get();
    require(c != nullptr && X509_set_version(c, X509_VERSION_3) == 1 && X509_set_pubkey(c, key) == 1);
    set_serial(c);
    set_times(c, r.from, r.until);
    set_name(c, r.name);
    require(X509_set_issuer_name(c, X509_get_subject_name(issuer ? issuer : c)) == 1);
    // X.509-SVID sections 4 and 5: an authority signs certificates and nothing else, a leaf signs and does nothing else.
    add_extension(c, issuer ? issuer : c, NID_basic_constraints, r.authority ? "critical,CA:TRUE,pathlen:0" : "critical,CA:FALSE");
    add_extension(c, issuer ? issuer : c, NID_key_usage, r.authority ? "critical,keyCertSign,cRLSign" : "critical,digitalSignature");
    if (!r.authority) add_extension(c, issuer, NID_ext_key_usage, "serverAuth,clientAuth");
    add_extension(c, issuer ? issuer : c, NID_subject_key_identifier, "hash");
    add_extension(c, issuer ? issuer : c, NID_authority_key_identifier, "keyid");
    add_extension(c, issuer ? issuer : c, NID_subject_alt_name, ("URI:" + r.id.str()).c_str());
    require(X509_sign(c, issuer_key, EVP_sha256()) > 0);
    return made;
}

}  // namespace

struct certificate_authority::parts {
    key_ptr key;
    certificate_ptr own;
    std::string trust_domain;
    time_point not_after;
};

certificate_authority::certificate_authority(std::unique_ptr<parts> p) : parts_(std::move(p)) {}
certificate_authority::certificate_authority(certificate_authority&&) noexcept = default;
certificate_authority::~certificate_authority() = default;

const std::string& certificate_authority::trust_domain() const noexcept { return parts_->trust_domain; }

certificate_authority certificate_authority::make(std::string_view trust_domain, time_point now) {
    const spiffe_id id{std::string(trust_domain)};
    auto key = new_key();
    // Authorities that follow each other have different names, so that a chain leads to the right one.
    const auto name = "authority of " + id.trust_domain + ", " + rfc3339(std::chrono::floor<seconds>(now));
    auto own = certificate({id, name, now - clock_difference, now + authority_life, true}, key.get(), nullptr, key.get());
    const auto until = time_of(X509_get0_notAfter(own.get()));
    return certificate_authority(std::unique_ptr<parts>(new parts{std::move(key), std::move(own), id.trust_domain, until}));
}

std::string certificate_authority::pem() const { return parts_->trust_domain + '\n' + pem_of(parts_->key.get()) + pem_of(parts_->own.get()); }

std::unique_ptr<certificate_authority::parts> certificate_authority::read(const std::string& text) {
    const auto line = text.find('\n');
    const bio_ptr in(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
    require(in != nullptr);
    key_ptr key(PEM_read_bio_PrivateKey(in.get(), nullptr, nullptr, nullptr));
    certificate_ptr own(PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr));
    if (line == text.npos || !key || !own || X509_check_private_key(own.get(), key.get()) != 1)
        throw failure(code::data_loss, "SECRET_MALFORMED", "The secret " + std::string(secret) + " is no certificate authority: remove it, and the next start makes a new one.");
    const auto until = time_of(X509_get0_notAfter(own.get()));
    return std::unique_ptr<parts>(new parts{std::move(key), std::move(own), text.substr(0, line), until});
}

std::optional<certificate_authority> certificate_authority::find(secrets& from) {
    auto known = from.get(secret);
    if (!known) return std::nullopt;
    certificate_authority out(read(*known));
    wipe(*known);
    return out;
}

// Of several that begin at once, or find the old one ended at once, all have the first one's.
certificate_authority certificate_authority::open(secrets& from, std::string_view trust_domain, time_point now) {
    auto known = from.get_latest(secret);
    auto text = known ? std::move(*known) : from.get_or_put(secret, make(trust_domain, now).pem());
    for (int tries = 0; tries < most_tries; ++tries) {
        certificate_authority kept(read(text));
        if (kept.parts_->trust_domain == trust_domain && kept.parts_->not_after > now + renewed_before) {
            wipe(text);
            return kept;
        }
        text = from.replace(secret, text, make(trust_domain, now).pem());
    }
    wipe(text);
    throw failure(code::failed_precondition, "OTHER_TRUST_DOMAIN",
                  "Other processes put an authority of another trust domain than " + std::string(trust_domain) + " into the same secrets: give all of them one peers.trust_domain.");
}

svid certificate_authority::issue(const spiffe_id& id, time_point now, seconds life) const {
    const auto key = new_key();
    const auto name = id.path.empty() ? id.trust_domain : id.path.substr(1);
    const auto c = certificate({id, name, now - clock_difference, now + life, false}, key.get(), parts_->own.get(), parts_->key.get());
    return {pem_of(c.get()), pem_of(key.get()), pem_of(parts_->own.get()), time_of(X509_get0_notAfter(c.get()))};
}

}  // namespace bv::security
