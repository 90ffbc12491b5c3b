#include "platform/core/error.hpp"

#include <array>
#include <exception>

#include <boost/asio/error.hpp>
#include <boost/system/system_error.hpp>

namespace bv {
namespace {

struct row {
    std::string_view name;
    int http;
    bool retriable;
};

// In the order of the numbers; HTTP from google/rpc/code.proto.
constexpr std::array<row, 17> table{{
    {"OK", 200, false},
    {"CANCELLED", 499, false},
    {"UNKNOWN", 500, false},
    {"INVALID_ARGUMENT", 400, false},
    {"DEADLINE_EXCEEDED", 504, true},
    {"NOT_FOUND", 404, false},
    {"ALREADY_EXISTS", 409, false},
    {"PERMISSION_DENIED", 403, false},
    {"RESOURCE_EXHAUSTED", 429, true},
    {"FAILED_PRECONDITION", 400, false},
    {"ABORTED", 409, true},
    {"OUT_OF_RANGE", 400, false},
    {"UNIMPLEMENTED", 501, false},
    {"INTERNAL", 500, false},
    {"UNAVAILABLE", 503, true},
    {"DATA_LOSS", 500, false},
    {"UNAUTHENTICATED", 401, false},
}};

// A code read off a wire may be out of range: it counts as UNKNOWN.
const row& row_of(code c) noexcept {
    const auto i = static_cast<std::size_t>(c);
    return table[i < table.size() ? i : static_cast<std::size_t>(code::unknown)];
}

error from_system(const boost::system::system_error& e) {
    if (e.code() == boost::asio::error::operation_aborted)
        return {code::cancelled, "CANCELLED", "the operation was cancelled", {}, {}};
    if (e.code() == boost::asio::error::timed_out)
        return {code::deadline_exceeded, "DEADLINE_EXCEEDED", "the operation timed out", {}, {}};
    return {code::internal, "INTERNAL", e.what(), {}, {}};
}

}  // namespace

std::string_view name(code c) noexcept { return row_of(c).name; }
int http_status(code c) noexcept { return row_of(c).http; }
bool is_retriable(code c) noexcept { return row_of(c).retriable; }

std::unexpected<error> invalid(std::vector<field_violation> violations) {
    std::string message = violations.size() == 1 ? "1 field is invalid: " : std::to_string(violations.size()) + " fields are invalid: ";
    for (std::size_t i = 0; i < violations.size(); ++i) {
        if (i > 0) message += "; ";
        message += violations[i].field + ": " + violations[i].description;
    }
    return std::unexpected<error>(error{code::invalid_argument, "INVALID_ARGUMENT", std::move(message), std::move(violations), {}});
}

error current_error() noexcept {
    try {
        throw;
    } catch (const failure& e) {
        return e.error();
    } catch (const boost::system::system_error& e) {
        return from_system(e);
    } catch (const std::exception& e) {
        return {code::internal, "INTERNAL", e.what(), {}, {}};
    } catch (...) {
        return {code::internal, "INTERNAL", "an exception that is no std::exception", {}, {}};
    }
}

}  // namespace bv
