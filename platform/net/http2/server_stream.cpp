#include "platform/net/http2/server_stream.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include "platform/core/error.hpp"
#include "platform/net/http/syntax.hpp"

namespace bv::http2 {

namespace {

constexpr std::size_t field_overhead = 32;  // RFC 9113 section 6.5.2
constexpr std::string_view grpc = "application/grpc";

}  // namespace

bool is_target(std::string_view target) noexcept {
    namespace syntax = http::syntax;
    return syntax::all(target, syntax::target_bit) && (target == "*" || target.starts_with('/'));
}

server_stream::server_stream(stream_owner& owner, const http::connection& from) : owner_(owner), since_(system_clock().steady_now()) {
    request.received = since_;
    request.remote_address = from.remote_address();
    request.secure = from.is_secure();
    request.peer = from.peer();
    request.http2 = true;
}

void server_stream::wake(std::shared_ptr<waiter>& w) {
    if (const auto waiting = std::exchange(w, nullptr)) waiting->wake();
}

void server_stream::refuse(int status, std::string_view detail) {
    state_ = state::answered;
    owner_.refuse(*this, status, detail);
}

void server_stream::on_field(std::string_view name, std::string_view value) {
    if (state_ != state::fields) return;  // trailers of a request mean nothing here
    field_bytes_ += name.size() + value.size() + field_overhead;
    if (field_bytes_ > owner_.options().max_header_bytes) return;
    if (!name.starts_with(':')) {
        request.headers.add(name, value);
    } else if (name == ":method") {
        request.verb = http::parse_verb(value);
        request.verb_text = value;
    } else if (name == ":path") {
        request.target = value;
    } else if (name == ":authority") {
        request.headers.set("host", value);
    }
}

void server_stream::on_fields_end() {
    if (state_ != state::fields) return;
    const auto& o = owner_.options();
    since_ = system_clock().steady_now();
    if (field_bytes_ > o.max_header_bytes) return refuse(431, "the header is too large");
    if (request.target.size() > o.max_target_bytes) return refuse(414, "the request target is too long");
    if (request.verb_text == "CONNECT") return refuse(501, "CONNECT is not offered");
    if (!is_target(request.target)) return refuse(400, "the request target holds a character that must be percent-encoded");
    cancellable = request.headers.get("content-type").starts_with(grpc);
    begin_body();
}

void server_stream::begin_body() {
    const auto& o = owner_.options();
    if (const auto text = request.headers.find("content-length")) {
        std::uint64_t n = 0;  // nghttp2 has checked its digits
        std::from_chars(text->data(), text->data() + text->size(), n);
        length_ = n;
    }
    if (length_ != 0u) wanted = o.streams ? o.streams(request) : nullptr;
    const std::uint64_t most = wanted ? wanted->max_bytes : o.max_body_bytes;
    if (length_ && *length_ > most) return refuse(413, "the body is too large");
    if (!wanted) {
        state_ = state::body;
        return;
    }
    state_ = state::stream;
    owner_.handle(shared_from_this());
}

// A whole body has its time from its fields on, however it drips (as in HTTP/1.1); a streamed one for each piece.
void server_stream::on_data(std::string_view bytes) {
    received_ += bytes.size();
    if (state_ == state::stream) {
        since_ = system_clock().steady_now();
        if (received_ > wanted->max_bytes) too_large_ = true;
        else piece_ += bytes;
        wake(reader_);
        return;
    }
    owner_.consume(*this, bytes.size());
    if (state_ != state::body) return;
    if (received_ > owner_.options().max_body_bytes) return refuse(413, "the body is too large");
    request.body += bytes;
}

void server_stream::on_end() {
    const auto before = state_;
    if (before == state::body || before == state::stream) state_ = state::whole;
    if (before == state::body) owner_.handle(shared_from_this());
    wake(reader_);
}

void server_stream::on_close(std::uint32_t, bool) {
    closed = true;
    wake(reader_);
    wake(writer_);
    if (cancellable) cancel.emit(asio::cancellation_type::all);
}

bool server_stream::overdue(steady_point now) {
    if (!receiving() || now - since_ < owner_.options().body_timeout) return false;
    if (state_ != state::stream) {
        refuse(408, "the request took too long");
        return true;
    }
    late_ = true;
    wake(reader_);
    return true;
}

bool server_stream::stalled(steady_point now) {
    if (!answered_whole) return false;
    if (const auto left = waiting_bytes(); left == 0 || std::exchange(left_, left) != left) taken_ = now;
    return now - taken_ >= owner_.options().write_timeout;
}

std::pair<int, std::string_view> server_stream::fault() const noexcept {
    if (too_large_) return {413, "the body is too large"};
    if (late_) return {408, "the body took too long"};
    return {0, {}};
}

task<result<std::optional<std::string>>> server_stream::read() {
    const auto kept = shared_from_this();
    while (piece_.empty()) {
        if (too_large_ || late_) co_return fail(code::invalid_argument, too_large_ ? "PAYLOAD_TOO_LARGE" : "BODY_BROKEN", std::string(fault().second));
        if (state_ == state::whole) co_return std::nullopt;
        if (closed) co_return fail(code::cancelled, "BODY_BROKEN", "the body did not arrive whole");
        since_ = system_clock().steady_now();
        reader_ = waiter::make();
        const auto mine = reader_;
        co_await mine->wait();
    }
    auto piece = std::exchange(piece_, {});
    if (!closed) owner_.consume(*this, piece.size());
    co_return std::move(piece);
}

task<bool> server_stream::drained() {
    constexpr std::size_t high_water = 128 * 1024;
    const auto kept = shared_from_this();
    while (!closed && waiting_bytes() > high_water) {
        writer_ = waiter::make();
        const auto mine = writer_;
        co_await mine->wait();
    }
    co_return !closed;
}

}  // namespace bv::http2
