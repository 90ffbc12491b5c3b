// Free and taken TCP ports.
#pragma once

#include <cstdint>
#include <string>

namespace bv::stack {

// The port itself when it can be bound now, or a free one for 0. Throws failure UNAVAILABLE "PORT_TAKEN" that says what
// to do, FAILED_PRECONDITION when the address is none of this machine's or the port needs root.
[[nodiscard]] std::uint16_t claim_port(const std::string& address, std::uint16_t wanted);

}  // namespace bv::stack
