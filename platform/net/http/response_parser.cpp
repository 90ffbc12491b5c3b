#include "platform/net/http/response_parser.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>

#include "platform/net/http/chunked.hpp"
#include "platform/net/http/syntax.hpp"

namespace bv::http {

namespace {

namespace beast_http = boost::beast::http;
using boost::beast::error_code;
using beast_view = boost::beast::string_view;

constexpr std::uint32_t max_header_bytes = 64 * 1024;
constexpr int max_interim = 8;

}  // namespace

// Reads the header only (skip): bodies are ours, as in the request's parser.
struct response_parser::head {
    class beast_parser final : public beast_http::basic_parser<false> {
    public:
        explicit beast_parser(head& owner) : owner_(owner) {
            skip(true);
            header_limit(max_header_bytes);
        }

    private:
        void on_response_impl(int code, beast_view, int, error_code&) override { owner_.status = code; }
        void on_field_impl(beast_http::field id, beast_view n, beast_view v, error_code& ec) override {
            const std::string_view name(n.data(), n.size()), value(v.data(), v.size());
            bytes_ += name.size() + value.size();
            bool good = bytes_ <= max_header_bytes && syntax::is_token(name) && syntax::is_value(value);
            if (id == beast_http::field::content_length) {
                std::uint64_t n_bytes = 0;
                const auto [end, problem] = std::from_chars(value.data(), value.data() + value.size(), n_bytes);
                good = good && !value.empty() && problem == std::errc{} && end == value.data() + value.size() &&
                       n_bytes == owner_.length.value_or(n_bytes);
                owner_.length = n_bytes;
            } else if (id == beast_http::field::transfer_encoding) {
                good = good && !owner_.chunked && syntax::iequals(value, "chunked");
                owner_.chunked = true;
            }
            if (good) owner_.fields.add(name, value);
            else ec = beast_http::error::bad_field;
        }
        void on_request_impl(beast_http::verb, beast_view, beast_view, int, error_code&) override {}
        void on_header_impl(error_code&) override {}
        void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}
        std::size_t on_body_impl(beast_view, error_code&) override { return 0; }
        void on_chunk_header_impl(std::uint64_t, beast_view, error_code&) override {}
        std::size_t on_chunk_body_impl(std::uint64_t, beast_view, error_code&) override { return 0; }
        void on_finish_impl(error_code&) override {}

        head& owner_;
        std::size_t bytes_ = 0;
    };

    head() { reset(); }
    void reset() {
        fields.clear();
        length.reset();
        chunked = false;
        status = 0;
        beast.emplace(*this);
    }

    std::optional<beast_parser> beast;
    chunk_decoder chunks;
    http::fields fields;
    std::optional<std::uint64_t> length;
    int status = 0;
    bool chunked = false;
};

response_parser::response_parser(client_response& into, bool to_head, std::size_t max_body_bytes)
    : response_(into), head_(std::make_unique<head>()), max_body_bytes_(max_body_bytes), to_head_(to_head) {}
response_parser::~response_parser() = default;

std::size_t response_parser::put(std::string_view data) {
    std::size_t used = 0;
    while (outcome_ == outcome::more && used < data.size()) {
        const auto n = part_ == part::header ? put_header(data.substr(used)) : put_body(data.substr(used));
        if (n == 0) break;
        used += n;
    }
    return used;
}

std::size_t response_parser::put_header(std::string_view data) {
    error_code ec;
    auto& h = *head_;
    const auto used = h.beast->put(boost::asio::const_buffer(data.data(), data.size()), ec);
    if (ec && ec != beast_http::error::need_more) outcome_ = outcome::malformed;
    else if (!ec && h.beast->is_header_done()) finish_header();
    return used;
}

void response_parser::finish_header() {
    auto& h = *head_;
    if (h.status == 101 || h.status < 100 || (h.chunked && h.length)) {
        outcome_ = outcome::malformed;
    } else if (h.status < 200) {
        if (++interim_ > max_interim) outcome_ = outcome::malformed;
        h.reset();
    } else {
        response_.status = h.status;
        response_.headers = std::move(h.fields);
        keep_alive_ = h.beast->keep_alive();
        if (to_head_ || h.status == 204 || h.status == 304 || (!h.chunked && h.length == 0u)) {
            outcome_ = outcome::done;
        } else if (h.chunked) {
            part_ = part::chunked;
        } else if (h.length) {
            if (*h.length > max_body_bytes_) outcome_ = outcome::too_large;
            body_left_ = static_cast<std::size_t>(*h.length);
            part_ = part::length;
        } else {
            keep_alive_ = false;
            part_ = part::to_end;
        }
    }
}

std::size_t response_parser::put_body(std::string_view data) {
    auto& body = response_.body;
    if (part_ == part::chunked) {
        auto& chunks = head_->chunks;
        const auto used = chunks.put(data, body, max_body_bytes_);
        if (chunks.done()) outcome_ = outcome::done;
        if (chunks.malformed()) outcome_ = outcome::malformed;
        if (chunks.too_large()) outcome_ = outcome::too_large;
        return used;
    }
    const auto n = part_ == part::length ? std::min(body_left_, data.size()) : data.size();
    if (body.size() + n > max_body_bytes_) {
        outcome_ = outcome::too_large;
        return n;
    }
    body.append(data.substr(0, n));
    body_left_ -= part_ == part::length ? n : 0;
    if (part_ == part::length && body_left_ == 0) outcome_ = outcome::done;
    return n;
}

void response_parser::put_end() noexcept {
    if (outcome_ == outcome::more) outcome_ = part_ == part::to_end ? outcome::done : outcome::malformed;
}

}  // namespace bv::http
