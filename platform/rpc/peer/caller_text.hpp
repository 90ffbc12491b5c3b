// For whom one service calls another, as a header says it. Nothing proves it but who says it: a peer that TLS has shown.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "platform/rpc/context.hpp"

namespace bv::rpc {

inline constexpr std::string_view caller_header = "BV-Caller";

// "user;0190…;customer;orders.read orders.write", of printable ASCII. A service is not named: its certificate does that.
[[nodiscard]] std::string caller_text(const principal&);
// nullopt: malformed.
[[nodiscard]] std::optional<principal> parse_caller(std::string_view);

}  // namespace bv::rpc
