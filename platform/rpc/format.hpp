// The named forms of strings that a contract may demand (bitvelocity.options.v1.Format). Hand-written checks: linear in
// the length, no regular expressions.
#pragma once

#include <cstdint>
#include <string_view>

namespace bv::rpc {

// The numbers of the contract's enum.
enum class format : std::uint8_t {
    any = 0,
    email = 1,
    uuid = 2,
    currency = 3,
    slug = 4,
    sku = 5,
    url = 6,
    country = 7,
    token = 8,
    text = 9,
    phone = 10,
    date = 11,
};

[[nodiscard]] bool matches(format, std::string_view) noexcept;
// What a violation says: "must be an e-mail address".
[[nodiscard]] std::string_view demand(format) noexcept;

}  // namespace bv::rpc
