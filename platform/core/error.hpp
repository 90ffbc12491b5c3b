// Expected outcomes are values: bv::result<T>. A broken dependency or a bug throws bv::failure.
// Both carry bv::error, the one error table that REST, gRPC and every other protocol is rendered from.
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace bv {

// The canonical codes of gRPC (google.rpc.Code), with the same numbers.
enum class code : std::uint8_t {
    ok = 0,
    cancelled = 1,
    unknown = 2,
    invalid_argument = 3,     // the input is wrong whatever the state
    deadline_exceeded = 4,
    not_found = 5,
    already_exists = 6,
    permission_denied = 7,    // known caller, not allowed
    resource_exhausted = 8,   // a limit or quota
    failed_precondition = 9,  // right input, wrong state: do not retry before the state changes
    aborted = 10,             // concurrency conflict: read again and retry
    out_of_range = 11,
    unimplemented = 12,
    internal = 13,
    unavailable = 14,         // try again with backoff
    data_loss = 15,
    unauthenticated = 16,
};

// "INVALID_ARGUMENT" and so on.
[[nodiscard]] std::string_view name(code) noexcept;
// The HTTP status of a code (google/rpc/code.proto), e.g. 404 for not_found.
[[nodiscard]] int http_status(code) noexcept;
// Whether the same request may succeed later without change.
[[nodiscard]] bool is_retriable(code) noexcept;

struct field_violation {
    std::string field;        // path as the client wrote it: "lines[3].quantity"
    std::string description;  // what is wrong and what is allowed
};

struct error {
    bv::code code = bv::code::internal;
    std::string reason;   // stable, UPPER_SNAKE_CASE, for programs: "OUT_OF_STOCK"
    std::string message;  // for people: what, where, how to mend it
    std::vector<field_violation> violations{};
    std::optional<std::chrono::milliseconds> retry_after{};
};

template <class T = void>
using result = std::expected<T, error>;

[[nodiscard]] inline std::unexpected<error> fail(code c, std::string reason, std::string message) {
    return std::unexpected<error>(error{c, std::move(reason), std::move(message), {}, {}});
}
// INVALID_ARGUMENT with every violated field named.
[[nodiscard]] std::unexpected<error> invalid(std::vector<field_violation> violations);

// What a broken dependency or a bug throws. Caught once per request, message or job.
class failure : public std::runtime_error {
public:
    explicit failure(bv::error e) : std::runtime_error(e.message), error_(std::move(e)) {}
    failure(code c, std::string reason, const std::string& message)
        : failure(bv::error{c, std::move(reason), message, {}, {}}) {}
    [[nodiscard]] const bv::error& error() const noexcept { return error_; }

private:
    bv::error error_;
};

// The error of the exception in flight: a failure's own, DEADLINE_EXCEEDED or CANCELLED for
// an aborted operation, INTERNAL for anything else. Call inside a catch block.
[[nodiscard]] error current_error() noexcept;

}  // namespace bv
