// What a fuzzer calls: both parsers over any bytes in two cuts, with the properties that must hold whatever they are.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>

#include "platform/core/assert.hpp"
#include "platform/net/http/parser.hpp"
#include "platform/net/http/response_parser.hpp"
#include "platform/net/http/syntax.hpp"

namespace bv::http {

// Stage and content of the first request, fed `step` bytes at a time.
inline std::tuple<parse_stage, std::string, std::string> first_request(std::string_view bytes, std::size_t step) {
    const parse_limits limits{.header_bytes = 4096, .target_bytes = 512, .body_bytes = 4096};
    request r;
    request_parser parser(limits, r);
    std::size_t begin = 0, end = 0;
    while (end < bytes.size() && parser.stage() != parse_stage::done && parser.stage() != parse_stage::failed) {
        end = std::min(bytes.size(), end + step);
        const std::string window(bytes.substr(begin, end - begin));
        const auto used = parser.put(window);
        BV_ASSERT(used <= window.size());
        begin += used;
    }
    BV_ASSERT(r.body.size() <= limits.body_bytes);
    if (parser.stage() == parse_stage::done) {
        BV_ASSERT(r.target.starts_with('/') || r.target == "*");
        for (std::size_t i = 0; i < r.headers.size(); ++i)
            BV_ASSERT(syntax::is_token(r.headers.at(i).first) && syntax::is_value(r.headers.at(i).second));
        return {parser.stage(), r.target, r.body};
    }
    return {parser.stage(), {}, {}};
}

// The body of LLVMFuzzerTestOneInput.
inline int fuzz_http(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    const auto whole = first_request(bytes, size + 1), cut = first_request(bytes, 1);
    // A request must not depend on how it was cut, or two hops could read two different ones.
    if (std::get<0>(whole) == parse_stage::done || std::get<0>(cut) == parse_stage::done) BV_ASSERT(whole == cut);

    client_response answer;
    response_parser parser(answer, false, 4096);
    BV_ASSERT(parser.put(bytes) <= size);
    parser.put_end();
    BV_ASSERT(parser.state() != response_parser::outcome::more && answer.body.size() <= 4096);
    return 0;
}

}  // namespace bv::http
