#include "platform/security/vault/options.hpp"

#include <charconv>

#include <fmt/format.h>

namespace bv::vault {

namespace {

constexpr std::string_view in_path = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./";

bool is_loopback(std::string_view host) { return host == "localhost" || host == "::1" || host.starts_with("127."); }

std::unexpected<error> refuse(std::string_view text, std::string_view why) {
    return fail(code::invalid_argument, "VAULT_ADDRESS", fmt::format("vault.address: \"{}\" {}; write https://HOST:PORT", text, why));
}

}  // namespace

std::optional<place> parse_place(std::string_view text) {
    if (text.empty()) return place{};
    const auto slash = text.rfind('/');
    if (slash == text.npos || slash == 0 || slash + 1 == text.size() || text.front() == '/' || text.find("//") != text.npos ||
        text.find_first_not_of(in_path) != text.npos)
        return std::nullopt;
    return place{std::string(text.substr(0, slash)), std::string(text.substr(slash + 1))};
}

result<server_address> parse_address(std::string_view text) {
    server_address out;
    std::string_view rest = text;
    if (rest.starts_with("https://")) rest.remove_prefix(8);
    else if (rest.starts_with("http://")) out.tls = false, rest.remove_prefix(7);
    else return refuse(text, "does not begin with https://");
    if (rest.ends_with('/')) rest.remove_suffix(1);
    if (rest.find('/') != rest.npos || rest.find('@') != rest.npos) return refuse(text, "has more than a host and a port");
    const auto bracket = rest.rfind(']');
    const auto colon = rest.rfind(':');
    if (colon != rest.npos && (bracket == rest.npos || colon > bracket)) {
        const auto digits = rest.substr(colon + 1);
        const auto [end, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), out.port);
        if (ec != std::errc{} || end != digits.data() + digits.size() || out.port == 0) return refuse(text, "has no port after the colon");
        rest = rest.substr(0, colon);
    }
    if (rest.starts_with('[') && rest.ends_with(']')) rest = rest.substr(1, rest.size() - 2);
    if (rest.empty()) return refuse(text, "names no host");
    out.host = rest;
    if (!out.tls && !is_loopback(out.host)) return refuse(text, "is plain HTTP to another machine, where tokens and secrets can be read on the way");
    return out;
}

}  // namespace bv::vault
