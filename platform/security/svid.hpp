// What a service shows others and checks others with: a certificate that names it by a SPIFFE ID (X.509-SVID), its key, and the
// authorities whose certificates it trusts. PEM.
#pragma once

#include <string>

#include "platform/core/clock.hpp"
#include "platform/core/error.hpp"
#include "platform/security/spiffe_id.hpp"

namespace bv::security {

struct svid {
    std::string certificate;  // and, after it, those between it and an authority
    std::string private_key;
    std::string trust;
    time_point not_after{};
};

// Whether peers will take it as `wanted` at that time; gives it back with its end. FAILED_PRECONDITION says what is wrong:
// "SVID_MALFORMED" (no PEM), "SVID_KEY" (another certificate's), "SVID_UNTRUSTED" (of none of the authorities, or not for this use),
// "SVID_ENDED", "SVID_NOT_YET", "SVID_OTHER_NAME".
[[nodiscard]] result<svid> checked(svid, const spiffe_id& wanted, time_point at);

}  // namespace bv::security
