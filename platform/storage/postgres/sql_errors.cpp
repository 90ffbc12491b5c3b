#include "platform/storage/postgres/sql_errors.hpp"

#include <array>

#include <fmt/format.h>
#include <libpq-fe.h>

namespace bv::pg {
namespace {

struct mapping {
    std::string_view prefix;  // of the code
    bv::code code;
    std::string_view reason;
};
// The first match counts.
constexpr std::array mappings{
    mapping{"23505", code::already_exists, "UNIQUE_VIOLATION"},
    mapping{"23503", code::failed_precondition, "FOREIGN_KEY_VIOLATION"},
    mapping{"23514", code::failed_precondition, "CHECK_VIOLATION"},
    mapping{"23P01", code::already_exists, "EXCLUSION_VIOLATION"},
    mapping{"23502", code::invalid_argument, "NOT_NULL_VIOLATION"},
    mapping{"22", code::invalid_argument, "INVALID_VALUE"},
    mapping{"40001", code::aborted, "SERIALIZATION_FAILURE"},
    mapping{"40P01", code::aborted, "DEADLOCK"},
    mapping{"55P03", code::aborted, "LOCK_NOT_AVAILABLE"},
    mapping{"42501", code::permission_denied, "PERMISSION_DENIED"},
    mapping{"53100", code::unavailable, "DATABASE_DISK_FULL"},
    mapping{"53", code::unavailable, "DATABASE_OUT_OF_RESOURCES"},
    mapping{"57014", code::deadline_exceeded, "STATEMENT_TIMEOUT"},
    mapping{"57P", code::unavailable, "DATABASE_UNAVAILABLE"},
    mapping{"08", code::unavailable, "DATABASE_UNAVAILABLE"},
    mapping{"P0001", code::failed_precondition, "RAISED"},
};

std::string_view text(const char* s) noexcept { return s == nullptr ? std::string_view() : std::string_view(s); }

}  // namespace

sql_error error_of(const pg_result* r, std::string_view statement) {
    const auto state = text(PQresultErrorField(r, PG_DIAG_SQLSTATE));
    bv::error e{code::internal, "SQL_ERROR", {}, {}, {}};
    for (const auto& m : mappings) {
        if (!state.empty() && state.starts_with(m.prefix)) {
            e.code = m.code;
            e.reason = m.reason;
            break;
        }
    }
    if (state == "53100") {
        e.message = "the disk of the database is full: free some space on the volume of its data directory, then try again";
    } else if (state.starts_with("22")) {
        // The server's message quotes the value, which may be personal data.
        e.message = fmt::format("statement {}: a value does not fit its column or type (SQLSTATE {})", statement, state);
    } else {
        e.message = fmt::format("statement {}: {} (SQLSTATE {})", statement, text(PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY)), state);
    }
    return {std::move(e), std::string(state), std::string(text(PQresultErrorField(r, PG_DIAG_CONSTRAINT_NAME)))};
}

bool ends_connection(std::string_view sqlstate) noexcept {
    return sqlstate.starts_with("57P") || sqlstate.starts_with("08") || sqlstate.empty();
}

}  // namespace bv::pg
