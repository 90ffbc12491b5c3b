#include "platform/security/vault/issuer.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

#include "platform/security/digest.hpp"

namespace bv::vault {

namespace json = boost::json;

namespace {

std::string with_line_end(std::string pem) {
    if (!pem.ends_with('\n')) pem += '\n';
    return pem;
}

[[noreturn]] void refuse(const place& from, std::string_view why) {
    throw failure(code::failed_precondition, "VAULT_CERTIFICATE", fmt::format("Vault's {}/issue/{}: {}", from.mount, from.name, why));
}

}  // namespace

security::svid issue(client& c, const place& from, const security::spiffe_id& id, time_point now, seconds life) {
    const json::object wanted{{"uri_sans", id.str()}, {"ttl", fmt::format("{}s", life.count())}, {"format", "pem"}, {"private_key_format", "pkcs8"}};
    auto got = c.call({http::verb::post, fmt::format("{}/issue/{}", from.mount, from.name), wanted});
    if (!got) throw failure(std::move(got.error()));
    security::svid out;
    out.certificate = with_line_end(text_at(got->body, "data/certificate"));
    out.private_key = with_line_end(text_at(got->body, "data/private_key"));
    out.trust = with_line_end(text_at(got->body, "data/issuing_ca"));
    out.not_after = time_point(seconds(number_at(got->body, "data/expiration")));
    // Of an intermediate authority: others trust its root, and are shown the way there.
    if (const auto* chain = field(got->body, "data/ca_chain").if_array(); chain != nullptr && chain->size() > 1) {
        for (std::size_t i = 0; i + 1 < chain->size(); ++i)
            if (const auto* pem = (*chain)[i].if_string()) out.certificate += with_line_end(std::string(*pem));
        if (const auto* root = chain->back().if_string()) out.trust = with_line_end(std::string(*root));
    }
    if (out.certificate.size() < 2 || out.private_key.size() < 2 || out.trust.size() < 2) refuse(from, "the answer has no certificate, key or authority");
    // A role's max_ttl may be shorter than peers.certificate_life; a certificate is followed at half of what it has.
    if (out.not_after <= now) refuse(from, "the certificate has ended already; is the clock right here and there?");
    return out;
}

}  // namespace bv::vault
