#include "domains/identity/adapters/oauth_request.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "platform/security/encoding.hpp"

namespace bv::identity {

namespace {

bool equal_ignoring_case(std::string_view a, std::string_view b) {
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
    return std::ranges::equal(a, b, {}, lower, lower);
}

std::string_view next(std::string_view& rest, char separator) {
    const auto piece = rest.substr(0, rest.find(separator));
    rest.remove_prefix(std::min(rest.size(), piece.size() + 1));
    return piece;
}

// Standard base64 (RFC 4648 section 4), padded or not.
std::optional<std::string> parse_base64(std::string_view text) {
    std::string url(text.substr(0, text.find_last_not_of('=') + 1));
    for (char& c : url) c = c == '+' ? '-' : c == '/' ? '_' : c;
    return security::parse_base64url(url);
}

bool read_basic(std::string_view credentials, oauth_request& out) {
    const auto text = parse_base64(credentials);
    const auto colon = text ? text->find(':') : std::string::npos;
    if (colon == std::string::npos) return false;
    auto id = http::percent_decode(std::string_view(*text).substr(0, colon), true);
    auto secret = http::percent_decode(std::string_view(*text).substr(colon + 1), true);
    if (!id || !secret) return false;
    out.client_id = std::move(*id);
    out.client_secret = std::move(*secret);
    out.by_header = true;
    return true;
}

}  // namespace

std::vector<std::string> oauth_request::scopes() const {
    std::vector<std::string> out;
    for (std::string_view rest = scope; !rest.empty();)
        if (const auto one = next(rest, ' '); !one.empty()) out.emplace_back(one);
    return out;
}

std::expected<oauth_request, std::string> parse_oauth_request(const http::request& request) {
    const auto type = request.headers.get("Content-Type");
    if (!equal_ignoring_case(type.substr(0, type.find_first_of("; ")), "application/x-www-form-urlencoded"))
        return std::unexpected("the body must be application/x-www-form-urlencoded");
    oauth_request out;
    const std::array<std::pair<std::string_view, std::string*>, 5> known{{{"grant_type", &out.grant_type},
                                                                         {"client_id", &out.client_id},
                                                                         {"client_secret", &out.client_secret},
                                                                         {"refresh_token", &out.refresh_token},
                                                                         {"scope", &out.scope}}};
    std::vector<std::string> seen;
    for (std::string_view rest = request.body; !rest.empty();) {
        auto pair = next(rest, '&');
        if (pair.empty()) continue;
        const auto name = http::percent_decode(next(pair, '='), true);
        auto value = http::percent_decode(pair, true);
        if (!name || !value) return std::unexpected("the form is malformed");
        const auto field = std::ranges::find(known, *name, &std::pair<std::string_view, std::string*>::first);
        if (field == known.end()) continue;
        if (std::ranges::find(seen, *name) != seen.end()) return std::unexpected(*name + " is there twice");
        seen.push_back(*name);
        *field->second = std::move(*value);
    }
    const auto authorization = request.headers.get("Authorization");
    if (equal_ignoring_case(authorization.substr(0, 6), "Basic ")) {
        if (!out.client_secret.empty()) return std::unexpected("credentials are both in the header and in the form");
        const std::string form_id = std::exchange(out.client_id, {});
        if (!read_basic(authorization.substr(6), out)) return std::unexpected("the Authorization header is malformed");
        if (!form_id.empty() && form_id != out.client_id) return std::unexpected("client_id differs from the Authorization header's");
    }
    return out;
}

}  // namespace bv::identity
