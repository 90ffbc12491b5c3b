#include "platform/net/http/compress.hpp"

#include <algorithm>

#include <zlib.h>

#include "platform/core/assert.hpp"
#include "platform/net/http/syntax.hpp"

namespace bv::http {

namespace {

constexpr int level = 5;  // of 9: most of the gain at half the time of the usual 6
constexpr int gzip_window = 15 + 16;

// zlib's state is 256 KiB and costly to set up: one a thread, reset for each use.
class deflater {
public:
    deflater() { BV_ASSERT(deflateInit2(&stream_, level, Z_DEFLATED, gzip_window, 8, Z_DEFAULT_STRATEGY) == Z_OK); }
    ~deflater() { deflateEnd(&stream_); }
    deflater(const deflater&) = delete;
    deflater& operator=(const deflater&) = delete;

    std::string run(std::string_view in) {
        deflateReset(&stream_);
        std::string out(deflateBound(&stream_, in.size()), '\0');
        stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(in.data()));
        stream_.avail_in = static_cast<uInt>(in.size());
        stream_.next_out = reinterpret_cast<Bytef*>(out.data());
        stream_.avail_out = static_cast<uInt>(out.size());
        BV_ASSERT(deflate(&stream_, Z_FINISH) == Z_STREAM_END);
        out.resize(stream_.total_out);
        return out;
    }

private:
    z_stream stream_{};
};

// True unless the parameters hold q=0, q=0.0 and so on.
bool has_quality(std::string_view parameters) noexcept {
    const auto q = parameters.find("q=");
    if (q == std::string_view::npos) return true;
    return parameters.substr(q + 2).find_first_of("123456789") != std::string_view::npos;
}

void add_vary(response& r) {
    const auto vary = r.headers.find("Vary");
    if (!vary) return r.headers.add("Vary", "Accept-Encoding");
    if (*vary != "*" && !syntax::list_has(*vary, "Accept-Encoding")) r.headers.set("Vary", std::string(*vary) + ", Accept-Encoding");
}

}  // namespace

bool accepts_gzip(std::string_view list) noexcept {
    bool any = false;
    while (!list.empty()) {
        const auto comma = std::min(list.find(','), list.size());
        const auto element = list.substr(0, comma);
        const auto semicolon = std::min(element.find(';'), element.size());
        const auto coding = syntax::trim(element.substr(0, semicolon));
        const bool wanted = has_quality(element.substr(semicolon));
        if (syntax::iequals(coding, "gzip") || syntax::iequals(coding, "x-gzip")) return wanted;
        if (coding == "*") any = wanted;
        list.remove_prefix(std::min(comma + 1, list.size()));
    }
    return any;
}

bool is_compressible(std::string_view type) noexcept {
    type = syntax::trim(type.substr(0, type.find(';')));
    constexpr std::string_view others[] = {"application/json", "application/javascript", "application/xml",  "application/yaml",
                                           "application/wasm", "image/svg+xml",          "application/x-yaml", "application/x-ndjson"};
    if (syntax::iequals(type.substr(0, 5), "text/")) return !syntax::iequals(type, "text/event-stream");
    if (type.ends_with("+json") || type.ends_with("+xml")) return true;
    return std::any_of(std::begin(others), std::end(others), [type](std::string_view o) { return syntax::iequals(type, o); });
}

std::string gzip(std::string_view in) {
    thread_local deflater d;
    return d.run(in);
}

void compress(const request& q, response& r, std::size_t at_least) {
    if (r.stream || r.status < 200 || r.status == 204 || r.status == 206 || !is_compressible(r.content_type)) return;
    if (r.headers.find("Content-Encoding") || syntax::list_has(r.headers.get("Cache-Control"), "no-transform")) return;
    add_vary(r);
    constexpr std::size_t at_most = 16 * 1024 * 1024;  // more would hold up the thread
    if (r.status == 304 || r.body.size() < at_least || r.body.size() > at_most || !accepts_gzip(q.headers.get("Accept-Encoding"))) return;
    auto packed = gzip(r.body);
    if (packed.size() >= r.body.size()) return;
    r.body = std::move(packed);
    r.headers.add("Content-Encoding", "gzip");
    if (const auto etag = r.headers.find("ETag"); etag && !etag->starts_with("W/")) r.headers.set("ETag", "W/" + std::string(*etag));
}

}  // namespace bv::http
