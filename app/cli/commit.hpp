// Which commit this program was built from, without what was changed since; "unknown" outside a repository.
#pragma once

#include <string_view>

namespace bv::cli {

[[nodiscard]] std::string_view commit() noexcept;

}  // namespace bv::cli
