// The provider's JSON: requests in, records and errors out.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "domains/commerce/payment/provider/books.hpp"
#include "platform/core/error.hpp"

namespace bv::payment_provider {

// The body of a POST. INVALID_ARGUMENT names what is wrong.
//   authorise: {"amount": {"currency": "GBP", "minor_units": 1099}, "payment_method": "card_ok", "reference": "…"}
//   capture, refund: {"authorisation": "pa_1", "amount": {…}}       void: {"authorisation": "pa_1"}
[[nodiscard]] result<command> parse_command(operation, std::string_view key, std::string_view body);

// {"key": …, "sequence": 1, "operation": "capture", "status": "done" | "declined", "reason": …, "authorisation": …,
//  "amount": {…}, "time": …}
[[nodiscard]] std::string to_json(const record&);
// {"operations": […], "last": n}: last is the newest there is.
[[nodiscard]] std::string to_json(const std::vector<const record*>&, std::int64_t last);
// {"captured": {"GBP": 1}, "refunded": {}}
[[nodiscard]] std::string to_json(const totals&);
[[nodiscard]] std::string to_json(const behaviour&);
// application/problem+json (RFC 9457)
[[nodiscard]] std::string to_problem(const error&, int status);

// Fields that are absent stay as they are; unknown ones are refused.
[[nodiscard]] result<behaviour> parse_behaviour(behaviour base, std::string_view body);

}  // namespace bv::payment_provider
