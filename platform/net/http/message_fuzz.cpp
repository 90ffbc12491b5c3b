// The parsers of requests and of responses over any bytes. What a message is must not depend on how it was cut into packets, or two
// hops could read two different ones: that is request smuggling.
#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "platform/net/http/parser.hpp"
#include "platform/net/http/response_parser.hpp"
#include "platform/net/http/syntax.hpp"
#include "platform/testing/fuzz.hpp"

namespace {

using namespace bv::http;

constexpr std::size_t most_header = 4096, most_target = 512, most_body = 512;

struct message {
    bool done = false;
    std::string start{}, body{};
    std::vector<std::string> fields{};
    bool keep_alive = false;
    std::size_t length = 0;  // of its bytes: the next message begins behind them
    bool operator==(const message&) const = default;
};

std::vector<std::string> lines(const fields& all) {
    std::vector<std::string> out;
    for (std::size_t i = 0; i < all.size(); ++i) {
        const auto [name, value] = all.at(i);
        BV_ASSERT(syntax::is_token(name) && syntax::is_value(value));
        out.push_back(std::string(name) + ':' + std::string(value));
    }
    return out;
}

// Feeds `bytes`, `step` at a time; what the parser leaves is offered again with what follows, from memory of exactly that length.
template <class Put, class Ended>
std::size_t feed(std::string_view bytes, std::size_t step, Put put, Ended ended) {
    std::size_t begin = 0, end = 0;
    while (end < bytes.size() && !ended()) {
        end = std::min(bytes.size(), end + step);
        const std::string window(bytes.substr(begin, end - begin));
        const auto used = put(window);
        BV_ASSERT(used <= window.size());
        begin += used;
    }
    return begin;
}

// The first request. streamed: its body is taken by pieces, as a handler of large bodies does.
message first_request(std::string_view bytes, std::size_t step, bool streamed) {
    request r;
    parse_limits limits{.header_bytes = most_header, .target_bytes = most_target, .body_bytes = most_body};
    if (streamed) limits.streamed = [](const request&) { return std::optional<std::uint64_t>(most_body); };
    request_parser parser(limits, r);
    std::string body;
    const auto put = [&](std::string_view window) {
        std::size_t used = 0;
        if (parser.stage() != parse_stage::stream) used = parser.put(window);
        if (parser.stage() == parse_stage::stream) used += parser.put_piece(window.substr(used), body);
        return used;
    };
    const auto length = feed(bytes, step, put, [&] { return parser.stage() == parse_stage::done || parser.stage() == parse_stage::failed; });
    BV_ASSERT(r.body.size() <= most_body && body.size() <= most_body);
    if (parser.stage() == parse_stage::failed) BV_ASSERT(parser.status() >= 400 && parser.status() < 600 && !parser.detail().empty());
    if (parser.stage() != parse_stage::done) return {};
    BV_ASSERT(r.target.size() <= most_target && (r.target.starts_with('/') || r.target == "*"));
    return {true, r.verb_text + ' ' + r.target, r.body + body, lines(r.headers), parser.keep_alive(), length};
}

// The answer to a request, whose connection ends behind the bytes.
message first_response(std::string_view bytes, std::size_t step) {
    client_response answer;
    response_parser parser(answer, false, most_body);
    const auto length = feed(bytes, step, [&](std::string_view window) { return parser.put(window); },
                             [&] { return parser.state() != response_parser::outcome::more; });
    parser.put_end();
    BV_ASSERT(parser.state() != response_parser::outcome::more && answer.body.size() <= most_body);
    if (parser.state() != response_parser::outcome::done) return {};
    return {true, std::to_string(answer.status), answer.body, lines(answer.headers), parser.keep_alive(), length};
}

}  // namespace

BV_FUZZ(http_message) {
    const auto request = first_request(bytes, bytes.size() + 1, false);
    for (const std::size_t step : {std::size_t{1}, std::size_t{7}, bytes.size() / 2 + 1}) BV_ASSERT(first_request(bytes, step, false) == request);
    for (const std::size_t step : {std::size_t{1}, bytes.size() + 1}) BV_ASSERT(first_request(bytes, step, true) == request);
    const auto response = first_response(bytes, bytes.size() + 1);
    for (const std::size_t step : {std::size_t{1}, std::size_t{7}}) BV_ASSERT(first_response(bytes, step) == response);
}
