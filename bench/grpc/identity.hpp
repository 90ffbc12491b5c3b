// Certificates of the two sides of the gRPC bench, as PEM files that other programs can read too.
#pragma once

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "platform/net/http/mutual_tls.hpp"
#include "platform/security/certificate_authority.hpp"

namespace bench {

// NAME.pem, NAME.key and trust.pem in the folder.
inline void write_identity(const bv::security::certificate_authority& by, const std::filesystem::path& folder, const std::string& name) {
    const auto s = by.issue({by.trust_domain(), '/' + name}, bv::system_clock().now(), bv::seconds(24 * 3600));
    std::ofstream(folder / (name + ".pem")) << s.certificate;
    std::ofstream(folder / (name + ".key")) << s.private_key;
    std::ofstream(folder / "trust.pem") << s.trust;
}

inline bv::http::tls_identity read_identity(const std::filesystem::path& folder, const std::string& name) {
    const auto text = [&](const std::string& file) {
        std::ifstream in(folder / file);
        return std::string{std::istreambuf_iterator<char>(in), {}};
    };
    return {text(name + ".pem"), text(name + ".key"), text("trust.pem")};
}

}  // namespace bench
