#include "platform/rpc/method.hpp"

#include <algorithm>

#include "platform/security/policy.hpp"

namespace bv::rpc {

result<void> authorize(const auth_rule& rule, const principal& caller) {
    if (rule.anonymous || caller.kind == caller_kind::service) return {};
    if (caller.kind == caller_kind::anonymous)
        return fail(code::unauthenticated, "CREDENTIALS_REQUIRED",
                    "Send an access token (Authorization: Bearer …) or an API key (X-Api-Key).");
    if (rule.any_scope.empty() || std::ranges::any_of(rule.any_scope, [&](auto scope) { return caller.has_scope(scope); })) return {};
    std::string scopes;
    for (const std::string_view scope : rule.any_scope) {
        if (!scopes.empty()) scopes += " or ";
        scopes += scope;
    }
    return fail(code::permission_denied, "SCOPE_MISSING", "This needs the scope " + scopes + ", which the caller does not have.");
}

result<void> authorize_service(const auth_rule& rule, std::string_view service, std::string_view edge) {
    const bool for_services_only = rule.any_scope.size() == 1 && rule.any_scope[0] == security::internal_scope;
    if (std::ranges::find(rule.callers, service) != rule.callers.end() || (service == edge && !for_services_only)) return {};
    return fail(code::permission_denied, "CALLER_NOT_ALLOWED",
                "The contract does not let the service " + std::string(service) + " call this; name it among the callers of the method.");
}

}  // namespace bv::rpc
