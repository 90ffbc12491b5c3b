#include <algorithm>
#include <optional>
#include <string>
#include <tuple>

#include "platform/net/http/parser.hpp"
#include "platform/net/http/response_parser.hpp"
#include "platform/net/http/syntax.hpp"
#include "platform/testing/fuzz.hpp"

namespace bv::http {
namespace {

constexpr std::size_t most_body = 4096;

// Stage, target and body of the first request, fed `step` bytes at a time; the body whole, or piece by piece.
std::tuple<parse_stage, std::string, std::string> first_request(std::string_view bytes, std::size_t step, bool streamed) {
    parse_limits limits{.header_bytes = 4096, .target_bytes = 512, .body_bytes = streamed ? 0 : most_body};
    if (streamed) limits.streamed = [](const request&) { return std::optional<std::uint64_t>(most_body); };
    request r;
    request_parser parser(limits, r);
    std::string pieces;
    std::size_t begin = 0, end = 0;
    while ((end < bytes.size() || begin < end) && parser.stage() != parse_stage::done && parser.stage() != parse_stage::failed) {
        const auto before = begin;
        const bool grew = end < bytes.size();
        end = std::min(bytes.size(), end + step);
        const std::string window(bytes.substr(begin, end - begin));
        const auto used = parser.stage() == parse_stage::stream ? parser.put_piece(window, pieces) : parser.put(window);
        BV_ASSERT(used <= window.size());
        begin += used;
        if (begin == before && !grew) break;
    }
    BV_ASSERT(r.body.size() + pieces.size() <= most_body);
    if (parser.stage() != parse_stage::done) return {parser.stage(), {}, {}};
    BV_ASSERT(r.target.starts_with('/') || r.target == "*");
    for (std::size_t i = 0; i < r.headers.size(); ++i)
        BV_ASSERT(syntax::is_token(r.headers.at(i).first) && syntax::is_value(r.headers.at(i).second));
    return {parser.stage(), r.target, r.body + pieces};
}

}  // namespace
}  // namespace bv::http

BV_FUZZ(http_message) {
    using namespace bv::http;
    // A request must not depend on how it was cut, or two hops could read two different ones; nor on how its body is read.
    const auto whole = first_request(bytes, bytes.size() + 1, false);
    for (const auto& other : {first_request(bytes, 1, false), first_request(bytes, bytes.size() + 1, true), first_request(bytes, 1, true)})
        if (std::get<0>(whole) == parse_stage::done || std::get<0>(other) == parse_stage::done) BV_ASSERT(whole == other);

    client_response answer;
    response_parser parser(answer, false, most_body);
    BV_ASSERT(parser.put(bytes) <= bytes.size());
    parser.put_end();
    BV_ASSERT(parser.state() != response_parser::outcome::more && answer.body.size() <= most_body);
}
