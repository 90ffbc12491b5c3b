// The provider's JSON as the port's values.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "domains/commerce/payment/app/ports.hpp"
#include "platform/core/error.hpp"

namespace bv::payment {

struct provider_request {
    std::string target;  // "/v1/captures"
    std::string body;
};
[[nodiscard]] provider_request to_request(const provider_call&);

// What an HTTP answer to the call says. Never settled unless the provider said so in so many words.
[[nodiscard]] provider_answer to_answer(const provider_call&, int status, std::string_view body, std::string_view retry_after);

// INTERNAL "UNREADABLE_ANSWER" when it is not the provider's.
[[nodiscard]] result<std::vector<provider_record>> parse_records(std::string_view body);
[[nodiscard]] result<provider_totals> parse_totals(std::string_view body);
// The keys of a call-back's operations.
[[nodiscard]] result<std::vector<std::string>> parse_keys(std::string_view body);

}  // namespace bv::payment
