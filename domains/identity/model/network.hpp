// Whom an address stands for when attempts are counted.
#pragma once

#include <string>
#include <string_view>

namespace bv::identity {

// IPv4 as it is, also when mapped into IPv6; of IPv6 the first 64 bits, because one customer has them all (RFC 6177).
// What is no address is given back unchanged.
[[nodiscard]] std::string network_of(std::string_view address);

}  // namespace bv::identity
