// PostgreSQL's error codes (manual, appendix A) as the platform's error table. Private to pg.
#pragma once

#include <string_view>

#include "platform/storage/postgres/database.hpp"

namespace bv::pg {

// The error of a result whose status is an error.
[[nodiscard]] sql_error error_of(const pg_result*, std::string_view statement);
// The server is going away or has no room for us: the connection is of no more use.
[[nodiscard]] bool ends_connection(std::string_view sqlstate) noexcept;

}  // namespace bv::pg
