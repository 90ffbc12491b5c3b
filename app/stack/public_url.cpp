#include "app/stack/public_url.hpp"

#include <algorithm>
#include <charconv>

#include <boost/asio/ip/address_v6.hpp>

namespace bv::stack {
namespace {

bool is_label(std::string_view text) {
    const auto fits = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; };
    return !text.empty() && text.size() <= 63 && text.front() != '-' && text.back() != '-' && std::ranges::all_of(text, fits);
}

// A name or an address of four numbers.
bool is_host(std::string_view text) {
    if (text.size() > 253) return false;
    while (true) {
        const auto dot = text.find('.');
        if (!is_label(text.substr(0, dot))) return false;
        if (dot == text.npos) return true;
        text.remove_prefix(dot + 1);
    }
}

bool is_port(std::string_view text) {
    unsigned number = 0;
    const auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), number);
    return wrong == std::errc{} && end == text.data() + text.size() && number > 0 && number <= 65535;
}

// "host", "host:port" or "[::1]:port".
bool is_authority(std::string_view text) {
    if (text.starts_with('[')) {
        const auto close = text.find(']');
        boost::system::error_code wrong;
        (void)boost::asio::ip::make_address_v6(std::string(text.substr(1, close == text.npos ? close : close - 1)), wrong);
        if (wrong || close == text.npos) return false;
        text.remove_prefix(close + 1);
        return text.empty() || (text.front() == ':' && is_port(text.substr(1)));
    }
    const auto colon = text.find(':');
    return is_host(text.substr(0, colon)) && (colon == text.npos || is_port(text.substr(colon + 1)));
}

std::unexpected<error> refused(std::string_view given, std::string_view why) {
    return fail(code::invalid_argument, "CONFIG_INVALID",
                "http.public_url: \"" + std::string(given) + "\" " + std::string(why) + "; write scheme, host and, where it is not the scheme's own, port, such as https://shop.example");
}

}  // namespace

result<std::string> parse_public_url(std::string_view given) {
    std::string url(given);
    std::ranges::transform(url, url.begin(), [](unsigned char c) { return c < 0x80 ? static_cast<char>(std::tolower(c)) : static_cast<char>(c); });
    const auto scheme = url.find("://");
    if (scheme != url.npos && url.size() > scheme + 3 && url.ends_with('/')) url.pop_back();
    if (scheme == url.npos || (url.substr(0, scheme) != "http" && url.substr(0, scheme) != "https")) return refused(given, "does not begin with http:// or https://");
    const std::string_view authority = std::string_view(url).substr(scheme + 3);
    if (authority.find('@') != authority.npos) return refused(given, "holds credentials");
    if (authority.find_first_of("/?#") != authority.npos) return refused(given, "has more than a host: the platform's pages begin at the root");
    if (!is_authority(authority)) return refused(given, "names no host and port that can be reached");
    return url;
}

}  // namespace bv::stack
