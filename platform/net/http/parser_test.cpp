#include "platform/net/http/parser.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace bv::http {
namespace {

const parse_limits limits{.header_bytes = 1024, .target_bytes = 128, .body_bytes = 64};

struct parsed {
    parse_stage stage;
    int status;
    std::string detail;
    http::request request;
    bool keep_alive;
    std::size_t used;
};

// As a connection does: what was not used is offered again with what follows.
parsed parse(std::string_view bytes, std::size_t step) {
    parsed out{};
    request_parser parser(limits, out.request);
    std::size_t begin = 0, end = 0;
    while (end < bytes.size() && parser.stage() != parse_stage::done && parser.stage() != parse_stage::failed) {
        end = std::min(bytes.size(), end + step);
        const std::string window(bytes.substr(begin, end - begin));  // its own memory, so that overruns show
        begin += parser.put(window);
    }
    out.stage = parser.stage();
    out.status = parser.stage() == parse_stage::failed ? parser.status() : 0;
    out.detail = parser.detail();
    out.keep_alive = parser.stage() == parse_stage::done && parser.keep_alive();
    out.used = begin;
    return out;
}

struct refusal {
    const char* what;
    std::string bytes;
    int status;
};

std::vector<refusal> refusals() {
    const std::string ok = "GET / HTTP/1.1\r\nHost: x\r\n", post = "POST / HTTP/1.1\r\nHost: x\r\n";
    return {
        {"no Host", "GET / HTTP/1.1\r\n\r\n", 400},
        {"two Hosts", ok + "Host: x\r\n\r\n", 400},
        {"two Hosts in 1.0", "GET / HTTP/1.0\r\nHost: x\r\nHost: y\r\n\r\n", 400},
        {"Host with a space", "GET / HTTP/1.1\r\nHost: x y\r\n\r\n", 400},
        {"Host with a path", "GET / HTTP/1.1\r\nHost: x/y\r\n\r\n", 400},
        {"length and chunked", post + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
        {"chunked and length", post + "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n", 400},
        {"two lengths that differ", post + "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", 400},
        {"two lengths", post + "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc", 400},
        {"a list of lengths", post + "Content-Length: 3, 3\r\n\r\nabc", 400},
        {"a signed length", post + "Content-Length: +3\r\n\r\nabc", 400},
        {"a negative length", post + "Content-Length: -1\r\n\r\n", 400},
        {"a hexadecimal length", post + "Content-Length: 0x3\r\n\r\nabc", 400},
        {"an empty length", post + "Content-Length:\r\n\r\n", 400},
        {"a length beyond 64 bits", post + "Content-Length: 18446744073709551616\r\n\r\n", 400},
        {"chunked twice", post + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
        {"a list of codings", post + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501},
        {"chunked not last", post + "Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n", 501},
        {"identity", post + "Transfer-Encoding: identity\r\n\r\n", 501},
        {"a coding with a control character", post + "Transfer-Encoding: \x0b" "chunked\r\n\r\n0\r\n\r\n", 400},
        {"chunked in 1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
        {"white space before the colon", ok + "X : y\r\n\r\n", 400},
        {"a tab before the colon", post + "Transfer-Encoding\t: chunked\r\n\r\n0\r\n\r\n", 400},
        {"a folded line", ok + "X: a\r\n b\r\n\r\n", 400},
        {"a folded line with a tab", ok + "X: a\r\n\tb\r\n\r\n", 400},
        {"a fold right after the colon", ok + "X:\r\n b\r\n\r\n", 400},
        {"a folded empty line", ok + "X: a\r\n \r\n\r\n", 400},
        {"white space before the first field", "GET / HTTP/1.1\r\n Host: x\r\n\r\n", 400},
        {"a bare LF in a value", ok + "X: a\nY: b\r\n\r\n", 400},
        {"a bare CR in a value", ok + "X: a\rY: b\r\n\r\n", 400},
        {"a bare LF after the request line", "GET / HTTP/1.1\nHost: x\r\n\r\n", 400},
        {"bare LFs throughout", "GET / HTTP/1.1\nHost: x\n\n", 400},
        {"NUL in a value", ok + std::string("X: a\0b\r\n\r\n", 10), 400},
        {"DEL in a value", ok + "X: a\x7f\r\n\r\n", 400},
        {"no colon", ok + "X\r\n\r\n", 400},
        {"an empty name", ok + ": x\r\n\r\n", 400},
        {"a name with a slash", ok + "a/b: x\r\n\r\n", 400},
        {"a name with a byte beyond ASCII", ok + "a\xc3\xa9: x\r\n\r\n", 400},
        {"no method", " / HTTP/1.1\r\nHost: x\r\n\r\n", 400},
        {"a method with a colon", "GE:T / HTTP/1.1\r\nHost: x\r\n\r\n", 400},
        {"no target", "GET  HTTP/1.1\r\nHost: x\r\n\r\n", 400},
        {"two spaces", "GET  / HTTP/1.1\r\nHost: x\r\n\r\n", 400},
        {"a relative target", "GET x HTTP/1.1\r\nHost: x\r\n\r\n", 400},
        {"a fragment", "GET /#x HTTP/1.1\r\nHost: x\r\n\r\n", 400},
        {"a target beyond ASCII", "GET /\xc3\xa9 HTTP/1.1\r\nHost: x\r\n\r\n", 400},
        {"a star for GET", "GET * HTTP/1.1\r\nHost: x\r\n\r\n", 400},
        {"a foreign scheme", "GET ftp://x/ HTTP/1.1\r\nHost: x\r\n\r\n", 400},
        {"an absolute target without a host", "GET http:///x HTTP/1.1\r\nHost: x\r\n\r\n", 400},
        {"CONNECT", "CONNECT x:443 HTTP/1.1\r\nHost: x\r\n\r\n", 501},
        {"HTTP/0.9", "GET /\r\n\r\n", 400},
        {"HTTP/2.0", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
        {"HTTP/1.2", "GET / HTTP/1.2\r\nHost: x\r\n\r\n", 505},
        {"lower-case protocol", "GET / http/1.1\r\nHost: x\r\n\r\n", 505},
        {"another expectation", post + "Expect: a-miracle\r\n\r\n", 417},
        {"a long target", "GET /" + std::string(128, 'a') + " HTTP/1.1\r\nHost: x\r\n\r\n", 414},
        {"an endless target", "GET /" + std::string(4096, 'a'), 414},
        {"an endless method", std::string(4096, 'A'), 414},
        {"a long field", ok + "X: " + std::string(1100, 'a') + "\r\n\r\n", 431},
        {"an endless field", ok + "X: " + std::string(4096, 'a'), 431},
        {"many fields", ok + [] { std::string s; for (int i = 0; i < 200; ++i) s += "X: y\r\n"; return s; }() + "\r\n", 431},
        {"a body beyond the limit", post + "Content-Length: 65\r\n\r\n", 413},
        {"a body of 2^63 bytes", post + "Content-Length: 9223372036854775808\r\n\r\n", 413},
        {"a chunk beyond the limit", post + "Transfer-Encoding: chunked\r\n\r\n41\r\n", 413},
        {"chunks beyond the limit", post + "Transfer-Encoding: chunked\r\n\r\n3f\r\n" + std::string(63, 'a') + "\r\n2\r\n", 413},
        {"a malformed chunk", post + "Transfer-Encoding: chunked\r\n\r\nxyz\r\n", 400},
        {"TLS on a plain port", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc", 400},
    };
}

TEST(http_request_parser, refuses_what_is_malformed_however_it_is_cut) {
    for (const auto& c : refusals())
        for (const std::size_t step : {std::size_t{1}, std::size_t{7}, c.bytes.size()}) {
            const auto p = parse(c.bytes, step);
            EXPECT_EQ(p.stage, parse_stage::failed) << c.what << " in steps of " << step;
            EXPECT_EQ(p.status, c.status) << c.what << " in steps of " << step << ": " << p.detail;
            EXPECT_FALSE(p.detail.empty()) << c.what;
        }
}

struct acceptance {
    const char* what;
    std::string bytes, target, body;
    bool keep_alive;
};

const acceptance acceptances[] = {
    {"the least", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "/", "", true},
    {"1.0 without Host", "GET /a HTTP/1.0\r\n\r\n", "/a", "", false},
    {"1.0 kept alive", "GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "/a", "", true},
    {"close", "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "/", "", false},
    {"an empty line first", "\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n", "/", "", true},
    {"an empty Host", "GET / HTTP/1.1\r\nHost:\r\n\r\n", "/", "", true},
    {"a body", "POST /p?q=1 HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc", "/p?q=1", "abc", true},
    {"an empty body", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", "/", "", true},
    {"chunks", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: Chunked\r\n\r\n2\r\nab\r\n1;x=y\r\nc\r\n0\r\nT: r\r\n\r\n", "/", "abc", true},
    {"no chunk", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "/", "", true},
    {"an absolute target", "GET http://shop:80/a?b HTTP/1.1\r\nHost: x\r\n\r\n", "/a?b", "", true},
    {"an absolute target without a path", "GET HTTP://shop HTTP/1.1\r\nHost: x\r\n\r\n", "/", "", true},
    {"an absolute target with a query only", "GET http://shop?b HTTP/1.1\r\nHost: x\r\n\r\n", "/?b", "", true},
    {"the server as a whole", "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", "*", "", true},
    {"an IPv6 Host", "GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", "/", "", true},
    {"an unknown verb", "BREW / HTTP/1.1\r\nHost: x\r\n\r\n", "/", "", true},
    {"bytes beyond ASCII in a value", "GET / HTTP/1.1\r\nHost: x\r\nX: \xc3\xa9\r\n\r\n", "/", "", true},
    {"a body of the limit", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 64\r\n\r\n" + std::string(64, 'b'), "/", std::string(64, 'b'), true},
};

TEST(http_request_parser, accepts_what_is_well_formed_however_it_is_cut) {
    for (const auto& c : acceptances)
        for (const std::size_t step : {std::size_t{1}, std::size_t{5}, c.bytes.size()}) {
            const auto p = parse(c.bytes, step);
            EXPECT_EQ(p.stage, parse_stage::done) << c.what << " in steps of " << step << ": " << p.detail;
            EXPECT_EQ(p.request.target, c.target) << c.what;
            EXPECT_EQ(p.request.body, c.body) << c.what;
            EXPECT_EQ(p.keep_alive, c.keep_alive) << c.what;
            EXPECT_EQ(p.used, c.bytes.size()) << c.what;
        }
}

TEST(http_request_parser, leaves_the_next_requests_bytes) {
    const std::string first = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\na";
    EXPECT_EQ(parse(first + "GET /next", 1000).used, first.size());
}

TEST(http_request_parser, an_absolute_targets_host_wins) {
    const auto p = parse("GET http://shop:80/ HTTP/1.1\r\nHost: evil\r\n\r\n", 1000);
    EXPECT_EQ(p.request.headers.get("host"), "shop:80");
    EXPECT_EQ(p.request.headers.size(), 1u);
}

TEST(http_request_parser, trailers_are_no_headers) {
    const auto p = parse("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nAuthorization: me\r\n\r\n", 1000);
    EXPECT_EQ(p.stage, parse_stage::done);
    EXPECT_FALSE(p.request.headers.find("Authorization"));
}

TEST(http_request_parser, forgets_one_message_before_the_next) {
    request r;
    request_parser parser(limits, r);
    parser.put("POST /1 HTTP/1.1\r\nHost: x\r\nX: 1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n");
    ASSERT_EQ(parser.stage(), parse_stage::done);
    parser.next();
    parser.put("GET /2 HTTP/1.1\r\nHost: x\r\n\r\n");
    ASSERT_EQ(parser.stage(), parse_stage::done);
    EXPECT_EQ(r.target, "/2");
    EXPECT_EQ(r.body, "");
    EXPECT_FALSE(r.headers.find("X"));
}

}  // namespace
}  // namespace bv::http
