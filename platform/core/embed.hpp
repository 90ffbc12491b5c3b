// Files embedded in the binary by bv_embed (cmake/bitvelocity.cmake): migrations, pages, the OpenAPI document.
#pragma once

#include <string_view>

namespace bv {

struct embedded_file {
    std::string_view name;  // relative to the folder it was embedded from: "0001_orders.sql"
    std::string_view text;
};

}  // namespace bv
