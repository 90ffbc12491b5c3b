// The platform's own certificate authority: X.509 certificates that say by a SPIFFE ID which service somebody is (X.509-SVID).
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "platform/core/clock.hpp"
#include "platform/security/secrets.hpp"
#include "platform/security/spiffe_id.hpp"
#include "platform/security/svid.hpp"

namespace bv::security {

// ECDSA on P-256. Thread-safe.
class certificate_authority {
public:
    // Where it stands in the secrets.
    static constexpr std::string_view secret = "internal.authority";

    // A new one, which nobody trusts yet, for ten years.
    [[nodiscard]] static certificate_authority make(std::string_view trust_domain, time_point now);
    // The one in the secrets. It is made at first use, and anew where it ends within 30 days or is of another trust domain: then
    // whoever trusts the old one must be given new certificates. Throws failure DATA_LOSS "SECRET_MALFORMED"; FAILED_PRECONDITION
    // "OTHER_TRUST_DOMAIN" when others go on replacing it.
    [[nodiscard]] static certificate_authority open(secrets&, std::string_view trust_domain, time_point now);

    // The one in the secrets as it is; nullopt when there is none yet. Throws as open() does.
    [[nodiscard]] static std::optional<certificate_authority> find(secrets&);

    certificate_authority(certificate_authority&&) noexcept;
    ~certificate_authority();

    // For clients and servers, with a key of its own: good from a minute before `now`, for clocks that differ.
    [[nodiscard]] svid issue(const spiffe_id&, time_point now, seconds life) const;
    [[nodiscard]] const std::string& trust_domain() const noexcept;

private:
    struct parts;
    explicit certificate_authority(std::unique_ptr<parts>);
    [[nodiscard]] static std::unique_ptr<parts> read(const std::string& pem);
    [[nodiscard]] std::string pem() const;
    std::unique_ptr<parts> parts_;
};

}  // namespace bv::security
