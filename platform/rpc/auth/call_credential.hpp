// What proves between processes of one platform who calls: the principal, signed for one method and a short time
// (HMAC-SHA-256, RFC 2104) with a key that only the platform's processes have.
#pragma once

#include <string>
#include <string_view>

#include "platform/core/clock.hpp"
#include "platform/core/error.hpp"
#include "platform/rpc/context.hpp"

namespace bv::rpc {

inline constexpr std::string_view call_credential_header = "BV-Caller";
// The name of the key in the secrets.
inline constexpr std::string_view call_key_secret = "internal.call_key";

// Printable ASCII. `method` is "bitvelocity.commerce.order.v1.OrderService/PlaceOrder", or a verb and a path.
[[nodiscard]] std::string sign_caller(std::string_view key, const principal&, std::string_view method, time_point now);

// UNAUTHENTICATED with a reason: CALL_UNSIGNED (none), CALL_MALFORMED, CALL_TOO_OLD (also: from the future), CALL_FORGED (another
// key, method or principal).
[[nodiscard]] result<principal> verify_caller(std::string_view key, std::string_view credential, std::string_view method, time_point now,
                                              seconds tolerance = seconds(60));

}  // namespace bv::rpc
