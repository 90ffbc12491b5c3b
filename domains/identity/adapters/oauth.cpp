#include "domains/identity/adapters/oauth.hpp"

#include <boost/json.hpp>

#include "platform/security/policy.hpp"

#include "domains/identity/adapters/oauth_request.hpp"

namespace bv::identity {

namespace {

namespace js = boost::json;

http::response json_response(int status, const js::object& body, std::string_view cache) {
    http::response out{.status = status, .body = js::serialize(body)};
    out.headers.set("Cache-Control", cache);
    return out;
}

// RFC 6749 section 5.2.
http::response refuse(std::string_view code, std::string_view description, bool by_header = false) {
    const bool unauthorised = code == "invalid_client";
    auto out = json_response(unauthorised ? 401 : 400, {{"error", code}, {"error_description", description}}, "no-store");
    out.headers.set("Pragma", "no-cache");
    if (unauthorised && by_header) out.headers.set("WWW-Authenticate", "Basic realm=\"bitvelocity\"");
    return out;
}

http::response grant(js::object body) {
    auto out = json_response(200, body, "no-store");
    out.headers.set("Pragma", "no-cache");
    return out;
}

std::string joined(const std::vector<std::string>& scopes) {
    std::string out;
    for (const auto& s : scopes) out += (out.empty() ? "" : " ") + s;
    return out;
}

task<http::response> client_credentials(environment& env, oauth_request request) {
    const bool by_header = request.by_header;
    if (request.client_id.empty() || request.client_secret.empty())
        co_return refuse("invalid_client", "client_id is an API key's id, client_secret the key itself: by HTTP Basic or in the form", by_header);
    const auto key = co_await check_api_key(env, request.client_secret);
    if (!key || key->id.str() != request.client_id) co_return refuse("invalid_client", "the API key is unknown, expired or revoked", by_header);
    auto scopes = security::scopes_of(key->roles);
    const auto asked = request.scopes();
    if (!asked.empty()) {
        scopes = security::narrowed(scopes, asked);
        if (scopes.empty()) co_return refuse("invalid_scope", "the API key's roles allow none of these scopes");
    }
    const auto text = joined(scopes);
    co_return grant({{"access_token", env.tokens.for_key(*key, std::move(scopes))},
                     {"token_type", "Bearer"},
                     {"expires_in", env.tokens.settings().access_life.count()},
                     {"scope", text}});
}

task<http::response> refresh_token_grant(environment& env, const rpc::context& ctx, oauth_request request) {
    if (request.refresh_token.empty()) co_return refuse("invalid_request", "refresh_token is missing");
    const auto pair = co_await refresh_session(env, ctx, request.refresh_token);
    if (!pair) co_return refuse("invalid_grant", pair.error().message);
    co_return grant({{"access_token", pair->access_token()},
                     {"token_type", "Bearer"},
                     {"expires_in", pair->expires_in()},
                     {"refresh_token", pair->refresh_token()}});
}

task<http::response> token(environment* env, http::request& request) {
    auto parsed = parse_oauth_request(request);
    if (!parsed) co_return refuse("invalid_request", parsed.error());
    rpc::context ctx;
    ctx.remote_address = request.remote_address;
    if (parsed->grant_type == "client_credentials") co_return co_await client_credentials(*env, std::move(*parsed));
    if (parsed->grant_type == "refresh_token") co_return co_await refresh_token_grant(*env, ctx, std::move(*parsed));
    if (parsed->grant_type.empty()) co_return refuse("invalid_request", "grant_type is missing");
    co_return refuse("unsupported_grant_type", "there are client_credentials and refresh_token");
}

task<http::response> jwks(const security::key_ring* ring) {
    http::response out{.content_type = "application/jwk-set+json", .body = ring->jwks()};
    // Short, so that verifiers elsewhere learn of a new key soon.
    out.headers.set("Cache-Control", "public, max-age=300");
    co_return out;
}

task<http::response> metadata(const environment* env) {
    const auto& issuer = env->tokens.settings().issuer;
    js::array scopes;
    for (const auto s : security::scopes()) scopes.emplace_back(s);
    co_return json_response(200,
                            {{"issuer", issuer},
                             {"token_endpoint", issuer + "/oauth2/token"},
                             {"jwks_uri", issuer + "/.well-known/jwks.json"},
                             {"response_types_supported", js::array{}},
                             {"grant_types_supported", {"client_credentials", "refresh_token"}},
                             {"token_endpoint_auth_methods_supported", {"client_secret_basic", "client_secret_post", "none"}},
                             {"scopes_supported", std::move(scopes)}},
                            "public, max-age=3600");
}

}  // namespace

std::vector<rpc::raw_route> oauth_routes(environment& env, const security::key_ring& ring) {
    std::vector<rpc::raw_route> out;
    out.push_back({"POST", "/oauth2/token", [e = &env](http::request& r) { return token(e, r); }});
    out.push_back({"GET", "/.well-known/jwks.json", [k = &ring](http::request&) { return jwks(k); }});
    out.push_back({"GET", "/.well-known/oauth-authorization-server", [e = &env](http::request&) { return metadata(e); }});
    return out;
}

}  // namespace bv::identity
