#include <array>

#include "platform/net/http/message.hpp"
#include "platform/net/http/syntax.hpp"

namespace bv::http {

namespace {
constexpr std::array<std::string_view, 7> verbs{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"};
}

std::string_view name(verb v) noexcept {
    const auto i = static_cast<std::size_t>(v);
    return i < verbs.size() ? verbs[i] : std::string_view{"OTHER"};
}

verb parse_verb(std::string_view text) noexcept {
    for (std::size_t i = 0; i < verbs.size(); ++i)
        if (verbs[i] == text) return static_cast<verb>(i);
    return verb::other;
}

void fields::add(std::string_view name, std::string_view value) {
    // A message has some ten fields: room for them at once is half a dozen allocations less.
    if (entries_.capacity() == 0) {
        entries_.reserve(16);
        buffer_.reserve(512);
    }
    entries_.push_back({static_cast<std::uint32_t>(buffer_.size()), static_cast<std::uint32_t>(name.size()),
                        static_cast<std::uint32_t>(value.size())});
    buffer_.append(name).append(value);
}

void fields::set(std::string_view name, std::string_view value) {
    fields kept;
    for (std::size_t i = 0; i < size(); ++i)
        if (const auto [n, v] = at(i); !syntax::iequals(n, name)) kept.add(n, v);
    kept.add(name, value);
    *this = std::move(kept);
}

std::optional<std::string_view> fields::find(std::string_view name) const noexcept {
    for (const auto& e : entries_)
        if (e.name_length == name.size() && syntax::iequals(std::string_view(buffer_).substr(e.offset, e.name_length), name))
            return std::string_view(buffer_).substr(e.offset + e.name_length, e.value_length);
    return std::nullopt;
}

std::pair<std::string_view, std::string_view> fields::at(std::size_t i) const noexcept {
    const auto& e = entries_[i];
    const std::string_view all = buffer_;
    return {all.substr(e.offset, e.name_length), all.substr(e.offset + e.name_length, e.value_length)};
}

std::string_view reason_phrase(int status) noexcept {
    switch (status) {
        case 100: return "Continue";
        case 101: return "Switching Protocols";
        case 200: return "OK";
        case 201: return "Created";
        case 202: return "Accepted";
        case 204: return "No Content";
        case 206: return "Partial Content";
        case 301: return "Moved Permanently";
        case 302: return "Found";
        case 303: return "See Other";
        case 304: return "Not Modified";
        case 307: return "Temporary Redirect";
        case 308: return "Permanent Redirect";
        case 400: return "Bad Request";
        case 401: return "Unauthorized";
        case 403: return "Forbidden";
        case 404: return "Not Found";
        case 405: return "Method Not Allowed";
        case 406: return "Not Acceptable";
        case 408: return "Request Timeout";
        case 409: return "Conflict";
        case 410: return "Gone";
        case 411: return "Length Required";
        case 412: return "Precondition Failed";
        case 413: return "Content Too Large";
        case 414: return "URI Too Long";
        case 415: return "Unsupported Media Type";
        case 416: return "Range Not Satisfiable";
        case 417: return "Expectation Failed";
        case 422: return "Unprocessable Content";
        case 425: return "Too Early";
        case 426: return "Upgrade Required";
        case 428: return "Precondition Required";
        case 429: return "Too Many Requests";
        case 431: return "Request Header Fields Too Large";
        case 499: return "Client Closed Request";
        case 500: return "Internal Server Error";
        case 501: return "Not Implemented";
        case 502: return "Bad Gateway";
        case 503: return "Service Unavailable";
        case 504: return "Gateway Timeout";
        case 505: return "HTTP Version Not Supported";
        default: return "Status";
    }
}

}  // namespace bv::http
