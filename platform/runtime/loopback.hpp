// Ports of 127.0.0.1, for servers that run as child processes. Blocking; any thread.
#pragma once

#include <cstdint>
#include <span>

namespace bv {

// The port that it had when that is free, else (and for 0) a free one. 0: there is none. Nothing holds it: its server takes it soon.
[[nodiscard]] std::uint16_t keep_loopback_port(std::uint16_t last);
// The same for several of one server, or of servers that start together: no two are the same.
void keep_loopback_ports(std::span<std::uint16_t> last);
[[nodiscard]] bool is_listening_on_loopback(std::uint16_t port);

}  // namespace bv
