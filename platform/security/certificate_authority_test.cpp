#include "platform/security/certificate_authority.hpp"

#include <filesystem>
#include <set>
#include <thread>

#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

#include "platform/core/error.hpp"

namespace bv::security {
namespace {

const time_point now{std::chrono::hours(500'000)};

using certificate = std::unique_ptr<X509, decltype(&X509_free)>;

certificate read(const std::string& pem) {
    BIO* in = BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()));
    certificate out(PEM_read_bio_X509(in, nullptr, nullptr, nullptr), &X509_free);
    BIO_free_all(in);
    return out;
}

// Whether the chain from the leaf to the trusted one is good at a time; as TLS clients and servers check it.
std::string checked(const svid& s, const std::string& trust, time_point at, int purpose = X509_PURPOSE_SSL_CLIENT) {
    const auto leaf = read(s.certificate), root = read(trust);
    X509_STORE* store = X509_STORE_new();
    X509_STORE_add_cert(store, root.get());
    X509_STORE_CTX* c = X509_STORE_CTX_new();
    X509_STORE_CTX_init(c, store, leaf.get(), nullptr);
    X509_STORE_CTX_set_purpose(c, purpose);
    X509_STORE_CTX_set_time(c, X509_V_FLAG_X509_STRICT, std::chrono::duration_cast<seconds>(at.time_since_epoch()).count());
    X509_STORE_CTX_set_flags(c, X509_V_FLAG_X509_STRICT);
    std::string out;
    if (X509_verify_cert(c) != 1) out = X509_verify_cert_error_string(X509_STORE_CTX_get_error(c));
    X509_STORE_CTX_free(c);
    X509_STORE_free(store);
    return out;
}

std::string uri_of(const std::string& pem) {
    const auto c = read(pem);
    auto* names = static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(c.get(), NID_subject_alt_name, nullptr, nullptr));
    std::string out;
    for (int i = 0; i < sk_GENERAL_NAME_num(names); ++i) {
        const auto* text = sk_GENERAL_NAME_value(names, i)->d.uniformResourceIdentifier;
        out += std::string(reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)), static_cast<std::size_t>(ASN1_STRING_length(text)));
    }
    GENERAL_NAMES_free(names);
    return out;
}

TEST(CertificateAuthority, IssuesWhatTlsTakesOnBothSides) {
    const auto authority = certificate_authority::make("shop.example", now);
    const auto s = authority.issue({"shop.example", "/order"}, now, seconds(3600));
    EXPECT_EQ(uri_of(s.certificate), "spiffe://shop.example/order");
    EXPECT_EQ(uri_of(s.trust), "spiffe://shop.example");
    EXPECT_EQ(s.not_after, now + seconds(3600));
    for (const int purpose : {X509_PURPOSE_SSL_CLIENT, X509_PURPOSE_SSL_SERVER}) {
        EXPECT_EQ(checked(s, s.trust, now, purpose), "");
        EXPECT_EQ(checked(s, s.trust, now - seconds(59), purpose), "") << "clocks differ";
        EXPECT_EQ(checked(s, s.trust, now + seconds(3601), purpose), "certificate has expired");
        EXPECT_EQ(checked(s, s.trust, now - seconds(3600), purpose), "certificate is not yet valid");
    }
    EXPECT_NE(checked(s, certificate_authority::make("shop.example", now).issue({"shop.example", "/x"}, now, seconds(60)).trust, now), "");
}

TEST(CertificateAuthority, NoTwoCertificatesAreAlike) {
    const auto authority = certificate_authority::make("shop.example", now);
    const auto a = authority.issue({"shop.example", "/order"}, now, seconds(60)), b = authority.issue({"shop.example", "/order"}, now, seconds(60));
    EXPECT_NE(a.private_key, b.private_key);
    EXPECT_NE(ASN1_INTEGER_cmp(X509_get_serialNumber(read(a.certificate).get()), X509_get_serialNumber(read(b.certificate).get())), 0);
}

class kept_authority : public testing::Test {
protected:
    void SetUp() override {
        std::string name = (std::filesystem::temp_directory_path() / "bv_authority_XXXXXX").string();
        ASSERT_NE(::mkdtemp(name.data()), nullptr);
        folder_ = name;
        secrets_ = open_sealed_file(folder_);
    }
    void TearDown() override { std::filesystem::remove_all(folder_); }
    std::string trust_at(time_point at, std::string_view domain = "shop.example") { return certificate_authority::open(*secrets_, domain, at).issue({std::string(domain), "/x"}, at, seconds(60)).trust; }

    std::filesystem::path folder_;
    std::unique_ptr<secrets> secrets_;
};

TEST_F(kept_authority, stays_until_it_nears_its_end_or_the_trust_domain_is_another) {
    const auto first = trust_at(now);
    EXPECT_EQ(trust_at(now + std::chrono::days(3600)), first);
    EXPECT_NE(trust_at(now + std::chrono::days(3630)), first);
    const auto third = trust_at(now);
    EXPECT_NE(trust_at(now, "other.example"), third);
}

// Each with a port of its own, as processes have it.
std::set<std::string> opened_at_once(const std::filesystem::path& folder, time_point at) {
    std::vector<std::string> trusted(8);
    {
        std::vector<std::jthread> processes;
        for (auto& t : trusted)
            processes.emplace_back([&t, &folder, at] {
                const auto own = open_sealed_file(folder);
                t = certificate_authority::open(*own, "shop.example", at).issue({"shop.example", "/x"}, at, seconds(60)).trust;
            });
    }
    return {trusted.begin(), trusted.end()};
}

TEST_F(kept_authority, is_the_same_for_all_that_begin_at_once) {
    EXPECT_EQ(opened_at_once(folder_, now).size(), 1u) << "on an empty folder";
    for (int again = 1; again <= 5; ++again) EXPECT_EQ(opened_at_once(folder_, now + again * std::chrono::days(3650)).size(), 1u) << "the last one has ended";
}

// Somebody else replaces it after it was read.
TEST_F(kept_authority, that_was_replaced_meanwhile_is_the_others) {
    class late final : public secrets {
    public:
        late(secrets& there, std::string others) : there_(there), others_(std::move(others)) {}
        result<std::string> get(std::string_view name) override {
            auto seen = there_.get(name);
            there_.put(name, others_);
            return seen;
        }
        void put(std::string_view name, std::string_view value) override { there_.put(name, value); }
        std::string get_or_put(std::string_view name, std::string_view value) override { return there_.get_or_put(name, value); }
        std::string replace(std::string_view name, std::string_view seen, std::string_view value) override { return there_.replace(name, seen, value); }
        void remove(std::string_view name) override { there_.remove(name); }
        std::vector<std::string> names() override { return there_.names(); }

    private:
        secrets& there_;
        const std::string others_;
    };
    (void)trust_at(now);
    const auto old = *secrets_->get(certificate_authority::secret);
    const auto end = now + std::chrono::days(3650);
    const auto theirs = trust_at(end);
    const auto others = *secrets_->get(certificate_authority::secret);
    secrets_->put(certificate_authority::secret, old);
    late port(*secrets_, others);
    EXPECT_EQ(certificate_authority::open(port, "shop.example", end).issue({"shop.example", "/x"}, end, seconds(60)).trust, theirs);
}

TEST_F(kept_authority, that_cannot_be_read_is_told) {
    secrets_->put(certificate_authority::secret, "shop.example\nnonsense");
    EXPECT_THROW((void)trust_at(now), failure);
}

}  // namespace
}  // namespace bv::security
