#include "platform/net/http/parser.hpp"

#include <algorithm>
#include <charconv>
#include <functional>
#include <optional>
#include <utility>

#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>

#include "platform/net/http/chunked.hpp"
#include "platform/net/http/syntax.hpp"

namespace bv::http {

namespace {

namespace beast_http = boost::beast::http;
using boost::beast::error_code;
using beast_view = boost::beast::string_view;

std::string_view view(beast_view s) noexcept { return {s.data(), s.size()}; }

// Beast folds continued lines (obs-fold) into a buffer of its own or skips the line end: both show as a value that does
// not follow its name and white space directly.
bool is_folded(std::string_view name, std::string_view value) noexcept {
    const char* after = name.data() + name.size() + 1;
    if (std::less<>{}(value.data(), after)) return true;
    constexpr std::ptrdiff_t most = 64 * 1024;
    if (std::less<>{}(after + most, value.data())) return true;
    return std::any_of(after, value.data(), [](char c) { return c != ' ' && c != '\t'; });
}

}  // namespace

// Collects what the fields say about the message and leaves the body to us (skip): its chunk parser asserts on some cuts.
struct request_parser::head {
    class beast_parser final : public beast_http::basic_parser<true> {
    public:
        explicit beast_parser(request_parser& owner) : owner_(owner) {
            skip(true);
            header_limit(static_cast<std::uint32_t>(owner.limits_.header_bytes + owner.limits_.target_bytes + 64));
        }

    private:
        void on_request_impl(beast_http::verb, beast_view method, beast_view target, int version, error_code& ec) override {
            owner_.http_1_1_ = version == 11;
            owner_.request_.verb = parse_verb(view(method));
            owner_.request_.verb_text.assign(view(method));
            if (target.size() > owner_.limits_.target_bytes) return refuse(414, "the request target is too long", ec);
            owner_.request_.target.assign(view(target));
        }
        void on_field_impl(beast_http::field id, beast_view n, beast_view v, error_code& ec) override {
            const auto name = view(n), value = view(v);
            bytes_ += name.size() + value.size() + 4;
            if (bytes_ > owner_.limits_.header_bytes) return refuse(431, "the header is too large", ec);
            if (is_folded(name, value)) return refuse(400, "a header field is continued on the next line", ec);
            if (!syntax::is_token(name) || !syntax::is_value(value)) return refuse(400, "a header field is malformed", ec);
            framing(id, value, ec);
            if (!ec) owner_.request_.headers.add(name, value);
        }
        void framing(beast_http::field id, std::string_view value, error_code& ec) {
            auto& h = *owner_.head_;
            if (id == beast_http::field::host) {
                if (h.hosts++ != 0) return refuse(400, "more than one Host", ec);
                if (!syntax::all(value, syntax::authority_bit)) return refuse(400, "the Host is malformed", ec);
            } else if (id == beast_http::field::content_length) {
                if (h.length) return refuse(400, "more than one Content-Length", ec);
                std::uint64_t n = 0;
                const auto [end, problem] = std::from_chars(value.data(), value.data() + value.size(), n);
                if (value.empty() || problem != std::errc{} || end != value.data() + value.size())
                    return refuse(400, "the Content-Length is malformed", ec);
                h.length = n;
            } else if (id == beast_http::field::transfer_encoding) {
                if (owner_.chunked_) return refuse(400, "more than one Transfer-Encoding", ec);
                if (!owner_.http_1_1_) return refuse(400, "Transfer-Encoding in HTTP/1.0", ec);
                if (!syntax::iequals(value, "chunked")) return refuse(501, "the only Transfer-Encoding is chunked", ec);
                owner_.chunked_ = true;
            } else if (id == beast_http::field::expect) {
                if (!syntax::iequals(value, "100-continue")) return refuse(417, "the only expectation is 100-continue", ec);
                owner_.expects_continue_ = owner_.http_1_1_;
            }
        }
        void refuse(int status, std::string_view detail, error_code& ec) {
            owner_.fail(status, detail);
            ec = beast_http::error::bad_field;
        }
        void on_response_impl(int, beast_view, int, error_code&) override {}
        void on_header_impl(error_code&) override {}
        void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}
        std::size_t on_body_impl(beast_view, error_code&) override { return 0; }
        void on_chunk_header_impl(std::uint64_t, beast_view, error_code&) override {}
        std::size_t on_chunk_body_impl(std::uint64_t, beast_view, error_code&) override { return 0; }
        void on_finish_impl(error_code&) override {}

        request_parser& owner_;
        std::size_t bytes_ = 0;
    };

    std::optional<beast_parser> beast;
    chunk_decoder chunks;
    std::optional<std::uint64_t> length;
    int hosts = 0;
    std::size_t scanned = 0;      // bytes of the unused ones that line_ends has seen
    bool had_request_line = false;
};

request_parser::request_parser(parse_limits limits, request& into)
    : request_(into), limits_(std::move(limits)), head_(std::make_unique<head>()) {
    next();
}
request_parser::~request_parser() = default;

void request_parser::next() {
    request_.verb = verb::other;
    request_.verb_text.clear();
    request_.target.clear();
    request_.headers.clear();
    request_.body.clear();
    keep_alive_ = http_1_1_ = expects_continue_ = chunked_ = false;
    head_->chunks.reset();
    head_->length.reset();
    head_->hosts = 0;
    head_->scanned = 0;
    head_->had_request_line = false;
    head_->beast.emplace(*this);
    stage_ = parse_stage::idle;
}

void request_parser::fail(int status, std::string_view detail) noexcept {
    stage_ = parse_stage::failed;
    keep_alive_ = false;
    status_ = status;
    detail_ = detail;
}

std::size_t request_parser::put(std::string_view data) {
    std::size_t used = 0;
    if (stage_ == parse_stage::idle) {
        // An empty line before a request is ignored (RFC 9112 section 2.2).
        while (data.substr(used, 2) == "\r\n") used += 2;
        const auto rest = data.substr(used);
        if (rest.empty() || rest == "\r") return used;
        stage_ = parse_stage::header;
    }
    if (stage_ == parse_stage::header) used += put_header(data.substr(used));
    if (stage_ == parse_stage::body) used += put_body(data.substr(used));
    return used;
}

std::size_t request_parser::put_header(std::string_view data) {
    error_code ec;
    auto& h = *head_;
    const auto used = h.beast->put(boost::asio::const_buffer(data.data(), data.size()), ec);
    if (stage_ == parse_stage::failed) return used;
    if (!ec) {
        if (h.beast->is_header_done()) finish_header();
        return used;
    }
    check_line_ends(data);
    h.scanned -= std::min(h.scanned, used);
    if (stage_ == parse_stage::failed) return used;
    if (ec == beast_http::error::need_more) {
        if (!h.had_request_line && data.size() > limits_.target_bytes + 64) fail(414, "the request line is too long");
    } else if (ec == beast_http::error::header_limit) {
        h.had_request_line ? fail(431, "the header is too large") : fail(414, "the request line is too long");
    } else if (ec == beast_http::error::bad_version) {
        fail(505, "only HTTP/1.0 and HTTP/1.1 are spoken here");
    } else {
        fail(400, "the request line or a header field is malformed");
    }
    return used;
}

// Beast waits for the empty line once it has met a header that is not whole: a line that ends in a bare LF is refused
// at once. Looks at each byte once.
void request_parser::check_line_ends(std::string_view data) noexcept {
    auto& h = *head_;
    for (auto at = data.find('\n', h.scanned); at != std::string_view::npos; at = data.find('\n', at + 1)) {
        if (at == 0 ? !h.had_request_line : data[at - 1] != '\r') return fail(400, "a line must end with CR LF");
        h.had_request_line = true;
    }
    h.scanned = data.size();
}

void request_parser::finish_header() {
    auto& h = *head_;
    keep_alive_ = h.beast->keep_alive();
    if (http_1_1_ && h.hosts == 0) return fail(400, "HTTP/1.1 needs a Host");
    if (chunked_ && h.length) return fail(400, "both Transfer-Encoding and Content-Length");
    accept_target();
    if (stage_ == parse_stage::failed) return;
    body_left_ = h.length.value_or(0);
    if (chunked_ || body_left_ > 0) return begin_body();
    stage_ = parse_stage::done;
}

void request_parser::begin_body() {
    const auto streamed = limits_.streamed ? limits_.streamed(request_) : std::nullopt;
    if (body_left_ > streamed.value_or(limits_.body_bytes)) return fail(413, "the body is too large");
    if (streamed) {
        streamed_left_ = *streamed;
        stage_ = parse_stage::stream;
        return;
    }
    constexpr std::uint64_t reserve_at_most = 256 * 1024;  // a length alone earns no more memory
    request_.body.reserve(static_cast<std::size_t>(std::min(body_left_, reserve_at_most)));
    stage_ = parse_stage::body;
}

// Brings the target into origin form (RFC 9112 section 3.2); "*" stays for OPTIONS.
void request_parser::accept_target() {
    auto& target = request_.target;
    if (request_.verb_text == "CONNECT") return fail(501, "CONNECT is not offered");
    if (!syntax::all(target, syntax::target_bit)) return fail(400, "the request target holds a character that must be percent-encoded");
    if (target.front() == '/') return;
    if (target == "*" && request_.verb == verb::options) return;
    const auto scheme = target.find("://");
    if (scheme == std::string::npos || !(syntax::iequals(std::string_view(target).substr(0, scheme), "http") ||
                                         syntax::iequals(std::string_view(target).substr(0, scheme), "https")))
        return fail(400, "the request target is neither a path nor an absolute URI");
    const auto begin = scheme + 3;
    const auto end = std::min(target.find_first_of("/?", begin), target.size());
    const auto authority = target.substr(begin, end - begin);
    if (authority.empty() || !syntax::all(authority, syntax::authority_bit)) return fail(400, "the request target's host is malformed");
    request_.headers.set("Host", authority);  // the target's wins (RFC 9112 section 3.2.2)
    target.erase(0, end);
    if (target.empty() || target.front() == '?') target.insert(0, 1, '/');
}

std::size_t request_parser::put_body(std::string_view data) { return decode(data, request_.body, limits_.body_bytes); }

std::size_t request_parser::put_piece(std::string_view data, std::string& piece) {
    const auto before = piece.size();
    const auto used = decode(data, piece, before + streamed_left_);
    streamed_left_ -= std::min<std::uint64_t>(streamed_left_, piece.size() - before);
    return used;
}

// `limit` is for `body` as it stands after this call.
std::size_t request_parser::decode(std::string_view data, std::string& body, std::uint64_t limit) {
    if (!chunked_) {
        const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(body_left_, data.size()));
        body.append(data.substr(0, n));
        body_left_ -= n;
        if (body_left_ == 0) stage_ = parse_stage::done;
        return n;
    }
    auto& chunks = head_->chunks;
    const auto used = chunks.put(data, body, static_cast<std::size_t>(limit));
    if (chunks.too_large()) fail(413, "the body is too large");
    if (chunks.malformed()) fail(400, "the chunked body is malformed");
    if (chunks.done()) stage_ = parse_stage::done;
    return used;
}

}  // namespace bv::http
