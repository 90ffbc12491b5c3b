// The service that a contract belongs to, as traces name it.
#pragma once

#include <string_view>

namespace bv::rpc {

// "product" of "bitvelocity.commerce.product.v1.ProductService"; empty when there is no version in it.
[[nodiscard]] std::string_view module_name(std::string_view contract) noexcept;

}  // namespace bv::rpc
