#include "platform/net/http/compress.hpp"

#include <gtest/gtest.h>

#include <zlib.h>

namespace bv::http {
namespace {

request accepting(std::string_view codings) {
    request r;
    r.headers.add("Accept-Encoding", codings);
    return r;
}

response json(std::size_t size) { return {.body = std::string(size, 'a')}; }

std::string gunzip(const std::string& in, std::size_t size) {
    std::string out(size + 1, '\0');
    z_stream z{};
    inflateInit2(&z, 15 + 16);
    z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(in.data()));
    z.avail_in = static_cast<uInt>(in.size());
    z.next_out = reinterpret_cast<Bytef*>(out.data());
    z.avail_out = static_cast<uInt>(out.size());
    const int status = inflate(&z, Z_FINISH);
    out.resize(z.total_out);
    inflateEnd(&z);
    return status == Z_STREAM_END ? out : "broken";
}

TEST(http_compress, packs_what_the_client_can_unpack) {
    for (int again = 0; again < 2; ++again) {  // the second use of the thread's state
        auto r = json(5000);
        r.headers.add("ETag", "\"1\"");
        compress(accepting("br, gzip;q=0.5"), r);
        EXPECT_LT(r.body.size(), 200u);
        EXPECT_EQ(gunzip(r.body, 5000), std::string(5000, 'a'));
        EXPECT_EQ(r.headers.get("Content-Encoding"), "gzip");
        EXPECT_EQ(r.headers.get("Vary"), "Accept-Encoding");
        EXPECT_EQ(r.headers.get("ETag"), "W/\"1\"");
    }
}

TEST(http_compress, leaves_alone_what_it_should) {
    const auto untouched = [](const request& q, response r) {
        const auto before = r.body;
        compress(q, r);
        return r.body == before && r.headers.get("Content-Encoding") != "gzip";
    };
    const auto q = accepting("gzip");
    EXPECT_TRUE(untouched(q, json(1023))) << "too small to pay";
    EXPECT_TRUE(untouched(accepting("br"), json(5000))) << "not accepted";
    EXPECT_TRUE(untouched({}, json(5000))) << "nothing accepted";
    auto r = json(5000);
    r.content_type = "image/png";
    EXPECT_TRUE(untouched(q, r)) << "packed already by its type";
    r = json(5000);
    r.headers.add("Content-Encoding", "br");
    EXPECT_TRUE(untouched(q, r)) << "packed already";
    r = json(5000);
    r.headers.add("Cache-Control", "private, no-transform");
    EXPECT_TRUE(untouched(q, r)) << "forbidden";
    r = json(5000);
    r.content_type = "text/event-stream";
    EXPECT_TRUE(untouched(q, r)) << "read as it comes";
}

TEST(http_compress, varies_also_when_it_does_not_pack) {
    auto r = json(10);
    r.headers.add("Vary", "Origin");
    compress(accepting("identity"), r);
    EXPECT_EQ(r.headers.get("Vary"), "Origin, Accept-Encoding");
}

TEST(http_compress, reads_accept_encoding) {
    for (const char* yes : {"gzip", "GZIP", "deflate, gzip;q=0.1", "*", "*;q=0.5", "x-gzip"}) EXPECT_TRUE(accepts_gzip(yes)) << yes;
    for (const char* no : {"", "br", "gzip;q=0", "gzip; q=0.000", "*;q=0", "identity", "gzip;q=0, *", "gzippy"})
        EXPECT_FALSE(accepts_gzip(no)) << no;
}

TEST(http_compress, knows_texts) {
    for (const char* yes : {"application/json", "application/problem+json; charset=utf-8", "text/html", "image/svg+xml", "Text/CSS"})
        EXPECT_TRUE(is_compressible(yes)) << yes;
    for (const char* no : {"", "image/png", "application/octet-stream", "text/event-stream", "application/gzip"})
        EXPECT_FALSE(is_compressible(no)) << no;
}

}  // namespace
}  // namespace bv::http
