#include "gateway/callers.hpp"

#include <algorithm>
#include <string>
#include <string_view>

namespace bv::gateway {

namespace {

constexpr std::string_view scheme = "bearer ";

bool is_bearer(std::string_view authorization) {
    return std::ranges::equal(authorization.substr(0, scheme.size()), scheme, {}, [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
}

}  // namespace

callers::callers(rpc::authenticator& a, std::uint32_t wrong_per_minute, clock& c, resilience::shared_limits* among_all)
    : authenticator_(a), clock_(c), wrong_({"credentials", wrong_per_minute, milliseconds(60'000)}), among_all_(among_all) {}

// Each guess costs the check of a signature or a question to identity. Whoever else is at that address goes on with the token or key that
// was seen before.
task<result<rpc::principal>> callers::find(const http::request& request) {
    const auto authorization = request.headers.get("Authorization"), key = request.headers.get("X-Api-Key");
    if (authorization.empty() && key.empty()) co_return rpc::principal{};
    const auto shown = !key.empty() ? key : is_bearer(authorization) ? authorization.substr(scheme.size()) : std::string_view();
    if (const auto left = wrong_.look(request.remote_address, clock_.steady_now()).outcome(); !left && !authenticator_.is_known(shown)) co_return std::unexpected(left.error());
    auto caller = co_await check(request);
    if (caller || caller.error().code != code::unauthenticated) co_return caller;
    const auto now = clock_.steady_now();
    const auto spent = co_await wrong_.take(request.remote_address, now, among_all_);
    if (const auto allowed = spent.outcome(); !allowed) co_return std::unexpected(allowed.error());
    co_return caller;
}

task<result<rpc::principal>> callers::check(const http::request& request) {
    const auto authorization = request.headers.get("Authorization"), key = request.headers.get("X-Api-Key");
    if (!authorization.empty() && !key.empty())
        co_return fail(code::unauthenticated, "TWO_CREDENTIALS", "Send either Authorization or X-Api-Key, not both.");
    if (!key.empty()) co_return co_await authenticator_.api_key(std::string(key));
    if (!is_bearer(authorization)) co_return fail(code::unauthenticated, "UNKNOWN_SCHEME", "Authorization must be \"Bearer <access token>\"; POST /v1/sessions gives one.");
    co_return co_await authenticator_.bearer(std::string(authorization.substr(scheme.size())));
}

}  // namespace bv::gateway
