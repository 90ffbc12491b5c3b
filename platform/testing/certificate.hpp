// A self-signed certificate, for tests of TLS.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

namespace bv::testing {

// For a name ("DNS:localhost", "IP:127.0.0.1"), in PEM files that live as long as this.
class certificate {
public:
    explicit certificate(const char* alternative_name) {
        auto pattern = (std::filesystem::temp_directory_path() / "bv_tls_XXXXXX").string();
        folder_ = ::mkdtemp(pattern.data());
        const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> secret(EVP_EC_gen("P-256"), EVP_PKEY_free);
        const std::unique_ptr<X509, decltype(&X509_free)> cert(X509_new(), X509_free);
        X509_set_version(cert.get(), 2);
        ASN1_INTEGER_set(X509_get_serialNumber(cert.get()), 1);
        X509_gmtime_adj(X509_getm_notBefore(cert.get()), -3600);
        X509_gmtime_adj(X509_getm_notAfter(cert.get()), 3600);
        X509_set_pubkey(cert.get(), secret.get());
        auto* name = X509_get_subject_name(cert.get());
        X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("test"), -1, -1, 0);
        X509_set_issuer_name(cert.get(), name);
        auto* extension = X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, alternative_name);
        X509_add_ext(cert.get(), extension, -1);
        X509_EXTENSION_free(extension);
        X509_sign(cert.get(), secret.get(), EVP_sha256());
        write("cert.pem", [&](FILE* f) { PEM_write_X509(f, cert.get()); });
        write("key.pem", [&](FILE* f) { PEM_write_PrivateKey(f, secret.get(), nullptr, nullptr, 0, nullptr, nullptr); });
    }
    ~certificate() { std::filesystem::remove_all(folder_); }
    certificate(const certificate&) = delete;
    certificate& operator=(const certificate&) = delete;
    [[nodiscard]] std::string chain() const { return (folder_ / "cert.pem").string(); }
    [[nodiscard]] std::string key() const { return (folder_ / "key.pem").string(); }

private:
    template <class Write>
    void write(const char* file, Write w) const {
        FILE* f = std::fopen((folder_ / file).c_str(), "w");
        w(f);
        std::fclose(f);
    }
    std::filesystem::path folder_;
};

}  // namespace bv::testing
