#include "platform/exporters/endpoint.hpp"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

namespace bv::exporters {

namespace {

bool is_host(std::string_view text) {
    const auto fits = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_'; };
    return !text.empty() && text.size() <= 253 && std::ranges::all_of(text, fits);
}

bool is_path(std::string_view text) {
    return std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7f && c != '#'; });
}

// "host", "host:port", "[::1]:port"; false where it is none of these.
bool read_authority(std::string_view text, http::client_options& into) {
    std::string_view port;
    if (text.starts_with('[')) {
        const auto close = text.find(']');
        if (close == text.npos) return false;
        into.host = text.substr(1, close - 1);
        port = text.substr(close + 1);
        if (into.host.empty() || into.host.find_first_not_of("0123456789abcdefABCDEF:.") != std::string::npos) return false;
    } else {
        const auto colon = std::min(text.find(':'), text.size());
        into.host = text.substr(0, colon);
        port = text.substr(colon);
        if (!is_host(into.host)) return false;
    }
    if (port.empty()) return true;
    if (port.front() != ':') return false;
    port.remove_prefix(1);
    const auto [end, wrong] = std::from_chars(port.data(), port.data() + port.size(), into.port);
    return wrong == std::errc{} && end == port.data() + port.size() && into.port > 0;
}

}  // namespace

result<endpoint> parse_endpoint(std::string_view setting, std::string_view url, std::string_view suffix, std::string_view example) {
    const auto refused = [&](std::string_view why) {
        return fail(code::invalid_argument, "CONFIG_INVALID", fmt::format("{}: \"{}\" {}; write a URL such as {}", setting, url, why, example));
    };
    endpoint out;
    out.peer.tls = url.starts_with("https://");
    if (!out.peer.tls && !url.starts_with("http://")) return refused("does not begin with http:// or https://");
    out.peer.port = out.peer.tls ? 443 : 80;
    const auto rest = url.substr(out.peer.tls ? 8 : 7);
    const auto slash = std::min(rest.find_first_of("/?#"), rest.size());
    const auto authority = rest.substr(0, slash);
    if (authority.find('@') != authority.npos) return refused("holds credentials, which have a setting of their own");
    if (!read_authority(authority, out.peer)) return refused("names no host and port that can be reached");
    auto path = rest.substr(slash);
    if (!is_path(path)) return refused("has a path that cannot be sent");
    const auto query = std::min(path.find('?'), path.size());
    auto before = path.substr(0, query);
    while (before.ends_with('/')) before.remove_suffix(1);
    out.target = before;
    if (!before.ends_with(suffix)) out.target += suffix;
    out.target += path.substr(query);
    return out;
}

}  // namespace bv::exporters
