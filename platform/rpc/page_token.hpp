// Page tokens (AIP-158): where a list goes on, as opaque text. A token belongs to one list with one filter and order: with
// another it is refused. It holds no secret and gives no right, so it is checked for damage and not against forgery.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "platform/core/error.hpp"

namespace bv::rpc {

// list: what is listed, with everything that determines its rows and their order: "products?category=garden&query=".
// position: the sort key of the last row given.
[[nodiscard]] std::string page_token(std::string_view list, std::span<const std::string> position);

// The position; empty for an empty token, the first page. INVALID_ARGUMENT naming page_token when it is not one of this list.
[[nodiscard]] result<std::vector<std::string>> parse_page_token(std::string_view list, std::string_view token);

}  // namespace bv::rpc
