// Schema names and the statements made of them. Services are named in code, so the set is small and fixed.
#pragma once

#include <string>
#include <string_view>

#include "platform/storage/postgres/database.hpp"

namespace bv::events {

// Lower-case letters, digits and underscores, a letter first, at most 48: usable in SQL unquoted but for key words.
// Throws failure INVALID_ARGUMENT "BAD_NAME".
void check_service_name(std::string_view service);

// The statement `name` for one schema: "{}" in sql becomes the quoted schema. The text lives as long as the process, so
// that prepared statements may refer to it; the same name and schema give the same statement. Thread-safe.
[[nodiscard]] pg::statement statement_for(std::string_view schema, std::string_view name, std::string_view sql);

}  // namespace bv::events
