// SPIFFE IDs: names of services, "spiffe://shop.example/order" (the SPIFFE-ID specification, section 2).
#pragma once

#include <string>
#include <string_view>

#include "platform/core/error.hpp"

namespace bv::security {

struct spiffe_id {
    std::string trust_domain;  // "shop.example"
    std::string path{};        // "/order"; empty: the trust domain itself

    [[nodiscard]] std::string str() const { return "spiffe://" + trust_domain + path; }
    friend bool operator==(const spiffe_id&, const spiffe_id&) = default;
};

// INVALID_ARGUMENT "SPIFFE_ID_MALFORMED" saying what is wrong with it.
[[nodiscard]] result<spiffe_id> parse_spiffe_id(std::string_view);
// Lower-case letters, digits, '.', '-' and '_'; at most 255.
[[nodiscard]] bool is_trust_domain(std::string_view) noexcept;

}  // namespace bv::security
