// Statements over tables that every service has in its own schema. Private to the platform's adapters.
#pragma once

#include <string_view>

#include "platform/storage/postgres/database.hpp"

namespace bv::pg {

// The statement "<schema>.<name>" with {{schema}} replaced in its text. Kept as long as the process: call it once per
// schema and statement, at construction. Thread-safe. The schema must be a plain name (asserted).
[[nodiscard]] statement statement_in(std::string_view schema, std::string_view name, std::string_view sql);

}  // namespace bv::pg
