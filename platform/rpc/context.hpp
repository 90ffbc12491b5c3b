// What travels with every call, whatever the protocol: who calls, until when, and the trace it belongs to.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "platform/core/clock.hpp"
#include "platform/core/error.hpp"
#include "platform/core/uuid.hpp"
#include "platform/storage/unit_of_work.hpp"
#include "platform/telemetry/trace.hpp"

namespace bv::rpc {

enum class caller_kind : unsigned char {
    anonymous,
    user,     // a person with an access token
    api_key,  // a program with an API key or a client-credentials token
    service,  // another service of this platform
};

struct principal {
    caller_kind kind = caller_kind::anonymous;
    uuid id{};                           // account or key id; nil for anonymous and services
    std::string name;                    // "order" for a service, else empty
    std::vector<std::string> roles;
    std::vector<std::string> scopes;     // sorted; "orders.read", "orders.write.any"

    [[nodiscard]] bool has_scope(std::string_view) const noexcept;
    // "anonymous", "user:0190…", "api_key:0190…", "service:order"
    [[nodiscard]] std::string actor() const;
};

struct context {
    principal caller;
    telemetry::span_context trace;       // the span that children attach to
    steady_point deadline = steady_point::max();
    std::string request_id;
    std::string idempotency_key;         // Idempotency-Key, empty when absent
    std::string if_match;                // If-Match without quotes ("*" and lists of several as sent), empty when absent
    std::string if_none_match;
    std::string remote_address;

    // Set by the service: becomes the ETag header. Unquoted.
    std::string etag;

    // For transactions on the caller's behalf: a caller that has `all_scope` sees the rows of all customers,
    // any other user those of its own.
    [[nodiscard]] storage::identity identity(std::string_view all_scope = {}) const;
    // ABORTED "ETAG_MISMATCH" (HTTP 412) when If-Match was sent and does not name the current ETag.
    [[nodiscard]] result<void> require_match(std::string_view current) const;
    // A context for a call that a service makes by itself.
    [[nodiscard]] static context for_service(std::string_view service, const telemetry::span_context& = {});
};

}  // namespace bv::rpc
