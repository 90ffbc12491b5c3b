#include "platform/security/spiffe_id.hpp"

#include <algorithm>

namespace bv::security {

namespace {

constexpr std::string_view scheme = "spiffe://";
constexpr std::size_t longest = 2048, longest_trust_domain = 255;

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
bool is_lower(char c) noexcept { return c >= 'a' && c <= 'z'; }
bool is_mark(char c) noexcept { return c == '.' || c == '-' || c == '_'; }
bool is_of_segment(char c) noexcept { return is_lower(c) || is_digit(c) || is_mark(c) || (c >= 'A' && c <= 'Z'); }

bool is_segment(std::string_view s) noexcept { return !s.empty() && s != "." && s != ".." && std::ranges::all_of(s, is_of_segment); }

// "", "/order", "/shop/order"
bool is_path(std::string_view path) noexcept {
    while (!path.empty()) {
        const auto end = path.find('/', 1);
        if (path[0] != '/' || !is_segment(path.substr(1, end == path.npos ? end : end - 1))) return false;
        path = end == path.npos ? std::string_view{} : path.substr(end);
    }
    return true;
}

std::unexpected<error> malformed(std::string_view text, std::string_view why) {
    return fail(code::invalid_argument, "SPIFFE_ID_MALFORMED", "\"" + std::string(text.substr(0, 200)) + "\" is no SPIFFE ID: " + std::string(why) + ".");
}

}  // namespace

bool is_trust_domain(std::string_view s) noexcept {
    return !s.empty() && s.size() <= longest_trust_domain && std::ranges::all_of(s, [](char c) { return is_lower(c) || is_digit(c) || is_mark(c); });
}

result<spiffe_id> parse_spiffe_id(std::string_view text) {
    if (text.size() > longest) return malformed(text, "it is longer than 2048 bytes");
    if (!text.starts_with(scheme)) return malformed(text, "it does not begin with spiffe://");
    const auto rest = text.substr(scheme.size());
    const auto slash = std::min(rest.find('/'), rest.size());
    if (!is_trust_domain(rest.substr(0, slash))) return malformed(text, "its trust domain is not of a-z, 0-9, '.', '-' and '_'");
    if (!is_path(rest.substr(slash))) return malformed(text, "its path has an empty, relative or otherwise forbidden segment");
    return spiffe_id{std::string(rest.substr(0, slash)), std::string(rest.substr(slash))};
}

}  // namespace bv::security
