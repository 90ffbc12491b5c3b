#include "platform/rpc/context.hpp"

#include <algorithm>

namespace bv::rpc {

bool principal::has_scope(std::string_view scope) const noexcept {
    return std::ranges::binary_search(scopes, scope, [](std::string_view a, std::string_view b) { return a < b; });
}

std::string principal::actor() const {
    switch (kind) {
    case caller_kind::anonymous: return "anonymous";
    case caller_kind::user: return "user:" + id.str();
    case caller_kind::api_key: return "api_key:" + id.str();
    case caller_kind::service: return "service:" + name;
    }
    return "anonymous";
}

storage::identity context::identity(std::string_view all_scope) const {
    storage::identity out{caller.actor(), std::nullopt, false, trace.traceparent()};
    out.all_customers = caller.kind == caller_kind::service || (!all_scope.empty() && caller.has_scope(all_scope));
    if (!out.all_customers && caller.kind == caller_kind::user) out.customer = caller.id;
    return out;
}

result<void> context::require_match(std::string_view current) const {
    if (if_match.empty() || if_match == "*" || if_match == current) return {};
    // A list keeps its quotes: "a", "b".
    if (if_match.find('"' + std::string(current) + '"') != std::string::npos) return {};
    return fail(code::aborted, "ETAG_MISMATCH",
                "It was changed meanwhile: If-Match is \"" + if_match + "\", it now has \"" + std::string(current) +
                    "\". Read it again and repeat the change on what you get.");
}

context context::for_service(std::string_view service, const telemetry::span_context& trace) {
    context out;
    out.caller.kind = caller_kind::service;
    out.caller.name = service;
    out.trace = trace;
    return out;
}

}  // namespace bv::rpc
