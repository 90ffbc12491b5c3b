#include "platform/security/claims.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "platform/security/flat_json.hpp"

namespace bv::security {

namespace {

constexpr std::int64_t year_9999 = 253'402'300'799;

std::int64_t unix_seconds(time_point t) { return std::chrono::floor<std::chrono::seconds>(t).time_since_epoch().count(); }

const std::string* text(const flat_object& object, std::string_view name) {
    const auto found = object.find(name);
    return found == object.end() ? nullptr : std::get_if<std::string>(&found->second);
}

bool read(const flat_object& object, std::string_view name, std::string& out) {
    const std::string* value = text(object, name);
    if (value == nullptr || value->empty()) return false;
    out = *value;
    return true;
}

bool read(const flat_object& object, std::string_view name, time_point& out) {
    const auto found = object.find(name);
    if (found == object.end()) return false;
    const auto* value = std::get_if<std::int64_t>(&found->second);
    if (value == nullptr || *value < 0 || *value > year_9999) return false;
    out = time_point(std::chrono::seconds(*value));
    return true;
}

bool read_scopes(const flat_object& object, std::vector<std::string>& out) {
    const std::string* value = text(object, "scope");
    if (value == nullptr) return false;
    std::string_view rest = *value;
    while (!rest.empty()) {
        const std::string_view scope = rest.substr(0, rest.find(' '));
        rest.remove_prefix(std::min(rest.size(), scope.size() + 1));
        if (!scope.empty()) out.emplace_back(scope);
    }
    std::ranges::sort(out);
    out.erase(std::ranges::unique(out).begin(), out.end());
    return true;
}

// The optional claims: absent is fine, of another type is not.
bool read_optional(const flat_object& object, access_claims& out) {
    if (object.contains("sid") && !read(object, "sid", out.session)) return false;
    const auto found = object.find("iat_us");
    if (found == object.end()) return true;
    const auto* value = std::get_if<std::int64_t>(&found->second);
    if (value == nullptr || *value < 0 || *value > 999'999) return false;
    out.issued_at += std::chrono::microseconds(*value);
    return true;
}

void append_member(std::string& out, std::string_view name, std::string_view value) {
    out += out.size() > 1 ? "," : "";
    append_quoted(out, name);
    out += ':';
    append_quoted(out, value);
}

}  // namespace

std::string_view name(token_kind kind) noexcept {
    switch (kind) {
        case token_kind::user: return "user";
        case token_kind::api_key: return "api_key";
        case token_kind::service: return "service";
    }
    return "user";
}

std::optional<token_kind> parse_token_kind(std::string_view text) noexcept {
    for (const token_kind kind : {token_kind::user, token_kind::api_key, token_kind::service})
        if (name(kind) == text) return kind;
    return std::nullopt;
}

std::string claims_json(const access_claims& c) {
    std::string scope;
    for (const std::string& s : c.scopes) scope += (scope.empty() ? "" : " ") + s;
    std::string out = "{";
    append_member(out, "iss", c.issuer);
    append_member(out, "aud", c.audience);
    append_member(out, "sub", c.subject);
    append_member(out, "jti", c.id);
    fmt::format_to(std::back_inserter(out), ",\"iat\":{},\"exp\":{}", unix_seconds(c.issued_at), unix_seconds(c.expires_at));
    fmt::format_to(std::back_inserter(out), ",\"iat_us\":{}", (c.issued_at - std::chrono::floor<std::chrono::seconds>(c.issued_at)).count());
    if (!c.session.empty()) append_member(out, "sid", c.session);
    append_member(out, "scope", scope);
    append_member(out, "kind", name(c.kind));
    out += ",\"roles\":[";
    for (std::size_t i = 0; i < c.roles.size(); ++i) {
        if (i > 0) out += ',';
        append_quoted(out, c.roles[i]);
    }
    return out += "]}";
}

std::optional<access_claims> parse_claims(std::string_view json) {
    const auto object = parse_flat_json(json);
    if (!object) return std::nullopt;
    access_claims out;
    const bool ok = read(*object, "iss", out.issuer) && read(*object, "aud", out.audience) && read(*object, "sub", out.subject) &&
                    read(*object, "jti", out.id) && read(*object, "iat", out.issued_at) && read(*object, "exp", out.expires_at) &&
                    read_scopes(*object, out.scopes) && read_optional(*object, out);
    const std::string* kind_text = text(*object, "kind");
    const auto kind = kind_text ? parse_token_kind(*kind_text) : std::nullopt;
    const auto roles = object->find("roles");
    const auto* role_names = roles == object->end() ? nullptr : std::get_if<std::vector<std::string>>(&roles->second);
    if (!ok || !kind || role_names == nullptr) return std::nullopt;
    out.kind = *kind;
    out.roles = *role_names;
    return out;
}

std::optional<jose_header> parse_jose_header(std::string_view json) {
    const auto object = parse_flat_json(json);
    if (!object || object->size() != 3) return std::nullopt;
    jose_header out;
    if (!read(*object, "alg", out.algorithm) || !read(*object, "typ", out.type) || !read(*object, "kid", out.key)) return std::nullopt;
    return out;
}

}  // namespace bv::security
