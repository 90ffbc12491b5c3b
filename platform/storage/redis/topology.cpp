#include "platform/storage/redis/topology.hpp"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

namespace bv::redis {
namespace {

template <class Number>
std::optional<Number> to_number(std::string_view text) noexcept {
    Number out{};
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), out);
    if (ec != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return out;
}

// The last colon parts host and port, also of an IPv6 address without brackets, as servers write it.
std::optional<address> split(std::string_view text) {
    const auto colon = text.rfind(':');
    if (colon == text.npos) return std::nullopt;
    const auto port = to_number<std::uint16_t>(text.substr(colon + 1));
    if (!port || *port == 0) return std::nullopt;
    auto host = text.substr(0, colon);
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    return address{std::string(host), *port};
}

// "3999 127.0.0.1:6381"
std::optional<address> target_of(std::string_view arguments, const address& asked) {
    const auto space = arguments.find(' ');
    if (space == arguments.npos || !to_number<std::uint16_t>(arguments.substr(0, space))) return std::nullopt;
    auto to = split(arguments.substr(space + 1));
    if (to && (to->host.empty() || to->host == "?")) to->host = asked.host;
    return to;
}

}  // namespace

std::string address::str() const {
    if (is_socket()) return "unix:" + host;
    return host.find(':') == host.npos ? fmt::format("{}:{}", host, port) : fmt::format("[{}]:{}", host, port);
}

result<address> parse_address(std::string_view text) {
    constexpr std::string_view socket = "unix:/";
    // sun_path holds 108 bytes with its end.
    if (text.starts_with(socket) && text.size() > socket.size() && text.size() < socket.size() + 106) return address{std::string(text.substr(5)), 0};
    auto out = split(text);
    const bool bare_ipv6 = out && out->host.find(':') != out->host.npos && !text.starts_with('[');
    if (!out || out->host.empty() || out->is_socket() || bare_ipv6)
        return fail(code::invalid_argument, "REDIS_ENDPOINT", fmt::format("redis.endpoints: \"{}\" is not host:port, [IPv6]:port or unix:/path", text));
    return std::move(*out);
}

topology topology::single(address a) {
    topology out;
    out.masters_.push_back(std::move(a));
    return out;
}

std::optional<topology> topology::of_cluster(const reply& said, const address& asked) {
    if (said.is != reply::kind::list || said.items.empty()) return std::nullopt;
    topology out;
    out.cluster_ = true;
    out.owner_.fill(nobody);
    for (const auto& range : said.items) {
        // first, last, [host, port, id …] of the master, of replicas …
        if (range.is != reply::kind::list || range.items.size() < 3) return std::nullopt;
        const auto first = range.items[0].integer, last = range.items[1].integer;
        const auto& master = range.items[2];
        if (first < 0 || last < first || last >= slots || master.is != reply::kind::list || master.items.size() < 2) return std::nullopt;
        const auto port = master.items[1].integer;
        if (port <= 0 || port > 65535) return std::nullopt;
        address at{master.items[0].text, static_cast<std::uint16_t>(port)};
        if (at.host.empty() || at.host == "?") at.host = asked.host;
        auto known = std::ranges::find(out.masters_, at);
        if (known == out.masters_.end()) known = out.masters_.insert(known, std::move(at));
        const auto index = static_cast<std::uint16_t>(known - out.masters_.begin());
        std::fill(out.owner_.begin() + first, out.owner_.begin() + last + 1, index);
    }
    return out;
}

const address* topology::master_of(std::uint16_t slot) const noexcept {
    if (!cluster_) return &masters_.front();
    const auto index = owner_[slot % slots];
    return index == nobody ? nullptr : &masters_[index];
}

bool topology::knows(const address& a) const noexcept { return std::ranges::find(masters_, a) != masters_.end(); }

redirection redirection_of(const reply& said, const address& asked) {
    using kind = redirection::kind;
    const auto word = said.error_code();
    if (word.empty()) return {};
    if (word == "MOVED" || word == "ASK") {
        const auto to = target_of(std::string_view(said.text).substr(std::min(said.text.size(), word.size() + 1)), asked);
        if (!to) return {kind::not_now};
        return {word == "MOVED" ? kind::moved : kind::ask, *to};
    }
    if (word == "TRYAGAIN") return {kind::try_again};
    if (word == "NOSCRIPT") return {kind::no_script};
    for (const std::string_view w : {"CLUSTERDOWN", "LOADING", "READONLY", "MASTERDOWN", "BUSY", "OOM", "MISCONF"})
        if (word == w) return {kind::not_now};
    return {};
}

}  // namespace bv::redis
