#include "platform/net/http/session.hpp"

#include <memory>
#include <string>
#include <utility>

#include <boost/asio/post.hpp>
#include <boost/asio/socket_base.hpp>

#include "platform/core/error.hpp"
#include "platform/net/http/parser.hpp"
#include "platform/net/http/read_buffer.hpp"
#include "platform/net/http/serialize.hpp"
#include "platform/net/http/syntax.hpp"
#include "platform/net/http2/serve.hpp"
#include "platform/telemetry/log.hpp"

namespace bv::http {

namespace {

constexpr std::size_t flush_at = 64 * 1024;      // of answers to pipelined requests
constexpr std::size_t read_header = 4 * 1024;    // room offered to a read
constexpr std::size_t read_body = 64 * 1024;
constexpr std::size_t keep_capacity = 64 * 1024; // of buffers between requests

// Call inside a catch block.
void log_failure(std::string_view event) {
    const auto e = current_error();
    if (e.code != code::cancelled) telemetry::error(event, {{"reason", e.reason}, {"message", e.message}});
}

class http1_session {
public:
    http1_session(core_listener& listener, connection& c)
        : listener_(listener), connection_(c),
          parser_({listener.options().max_header_bytes, listener.options().max_target_bytes, listener.options().max_body_bytes,
                   [this](const request& r) { return find_stream(r); }},
                  request_) {
        request_.secure = c.is_secure();
        request_.peer = c.peer();
        now_ = system_clock().steady_now();
    }
    ~http1_session() { *self_ = nullptr; }
    http1_session(const http1_session&) = delete;
    http1_session& operator=(const http1_session&) = delete;

    task<void> run();
    // What was read, when it is HTTP/2.
    [[nodiscard]] std::optional<std::string> take_http2() const { return http2_ ? std::optional<std::string>(in_.view()) : std::nullopt; }

private:
    friend class stream_writer;
    friend class stream_reader;

    void parse();
    bool arm_for_reading();
    [[nodiscard]] std::size_t room() const noexcept { return parser_.stage() == parse_stage::body ? read_body : read_header; }
    task<bool> answer();
    std::optional<std::uint64_t> find_stream(const request&);
    task<bool> call_handler(response&, body_reader*);
    task<bool> call_streaming_handler(response&);
    void discard_rest();
    task<bool> send_stream(const response&);
    void append(const response&, framing);
    void append_error(int status, std::string_view detail);
    bool try_flush();
    task<bool> flush();
    void post_flush();
    void next_request();

    core_listener& listener_;
    connection& connection_;
    request request_;
    request_parser parser_;
    read_buffer in_;
    std::string out_;
    const body_stream* stream_ = nullptr;  // of a request that is at parse_stage::stream
    std::shared_ptr<http1_session*> self_ = std::make_shared<http1_session*>(this);  // for posted flushes, which may outlive us
    steady_point now_, message_began_{}, header_done_{};
    bool first_ = true;           // no request yet
    bool http2_ = false;          // the peer speaks that
    bool continued_ = false;      // "100 Continue" was sent for this request
    bool closing_ = false;        // once out_ is sent
    bool gone_ = false;           // the peer, in the middle of a streamed body
    bool in_handler_ = false, flush_posted_ = false;
};

// Frames the pieces of a streamed body; the head goes out with the first.
class stream_writer final : public body_writer {
public:
    stream_writer(http1_session& s, const response& r, framing f) : session_(s), response_(r), framing_(f) {}

    task<bool> write(std::string piece) override {
        begin();
        if (framing_ == framing::chunked) append_chunk(session_.out_, piece);
        else session_.out_ += piece;
        if (!broken_ && !co_await session_.flush()) broken_ = true;
        if (broken_) session_.out_.clear();
        session_.connection_.arm(connection::phase::handling, steady_point::max());
        co_return !broken_;
    }
    void begin() {
        if (!std::exchange(begun_, true)) session_.append(response_, framing_);
    }
    [[nodiscard]] bool begun() const noexcept { return begun_; }
    [[nodiscard]] bool broken() const noexcept { return broken_; }

private:
    http1_session& session_;
    const response& response_;
    framing framing_;
    bool begun_ = false, broken_ = false;
};

// Reads a streamed body on behalf of its handler, and no byte before it asks.
class stream_reader final : public body_reader {
public:
    explicit stream_reader(http1_session& s) : session_(s) {}

    task<result<std::optional<std::string>>> read() override {
        std::string piece;
        while (piece.empty()) {
            auto& parser = session_.parser_;
            if (parser.stage() == parse_stage::stream) session_.in_.consume(parser.put_piece(session_.in_.view(), piece));
            if (parser.stage() == parse_stage::failed) co_return fail(code::invalid_argument, "BODY_BROKEN", std::string(parser.detail()));
            if (late_ || gone_) co_return fail(code::invalid_argument, "BODY_BROKEN", late_ ? "the body took too long" : "the body did not arrive whole");
            if (!piece.empty()) break;
            if (parser.stage() == parse_stage::done) co_return std::nullopt;
            co_await wait();
        }
        co_return std::move(piece);
    }
    [[nodiscard]] bool late() const noexcept { return late_; }
    [[nodiscard]] bool gone() const noexcept { return gone_; }

private:
    task<void> wait() {
        auto& s = session_;
        const auto& o = s.listener_.options();
        if (s.parser_.expects_continue() && !std::exchange(s.continued_, true)) s.out_ += "HTTP/1.1 100 Continue\r\n\r\n";
        if (!co_await s.flush()) {
            gone_ = true;
            co_return;
        }
        const auto began = system_clock().steady_now();
        s.connection_.arm(connection::phase::reading, began + std::min<std::chrono::nanoseconds>(o.body_timeout, o.stream_timeout - waited_));
        const auto n = co_await s.connection_.read_some(s.in_.prepare(read_body));
        waited_ += system_clock().steady_now() - began;
        if (n == 0) (s.connection_.expired() ? late_ : gone_) = true;
        s.connection_.arm(connection::phase::handling, steady_point::max());
        s.in_.commit(n);
    }

    http1_session& session_;
    std::chrono::nanoseconds waited_{0};
    bool late_ = false, gone_ = false;
};

task<void> http1_session::run() {
    using stage = parse_stage;
    while (!closing_) {
        parse();
        if (http2_) co_return;
        if (parser_.stage() == stage::done || parser_.stage() == stage::stream) {
            if (!co_await answer()) co_return;
            continue;
        }
        if (parser_.stage() == stage::failed) {
            append_error(parser_.status(), parser_.detail());
            break;
        }
        if (parser_.stage() == stage::body && parser_.expects_continue() && !continued_) {
            continued_ = true;
            if (request_.body.empty()) out_ += "HTTP/1.1 100 Continue\r\n\r\n";
        }
        if (!try_flush() && !co_await flush()) co_return;
        if (!arm_for_reading()) co_return;
        const auto n = co_await connection_.read_some(in_.prepare(room()));
        now_ = system_clock().steady_now();
        if (n == 0) {
            if (!connection_.expired() || parser_.stage() == stage::idle) co_return;
            append_error(408, parser_.stage() == stage::header ? "the header took too long" : "the body took too long");
            break;
        }
        in_.commit(n);
    }
    if (try_flush() || co_await flush()) co_await connection_.linger();
}

void http1_session::parse() {
    using stage = parse_stage;
    if (in_.empty()) return;
    const auto before = parser_.stage();
    if (first_ && before == stage::idle && http2::preface.starts_with(in_.view().substr(0, http2::preface.size()))) {
        http2_ = in_.view().size() >= http2::preface.size();
        return;
    }
    if (before == stage::idle) message_began_ = now_;
    in_.consume(parser_.put(in_.view()));
    if (before != stage::body && parser_.stage() == stage::body) header_done_ = now_;
}

bool http1_session::arm_for_reading() {
    const auto& o = listener_.options();
    switch (parser_.stage()) {
        case parse_stage::idle:
            if (listener_.draining()) return false;
            in_.shrink(keep_capacity);
            if (out_.capacity() > keep_capacity) out_.shrink_to_fit();
            connection_.arm(connection::phase::idle, now_ + (first_ ? o.header_timeout : o.idle_timeout));
            return true;
        case parse_stage::header:
            connection_.arm(connection::phase::reading, message_began_ + o.header_timeout);
            return true;
        case parse_stage::body:
        case parse_stage::stream:
        case parse_stage::done:
        case parse_stage::failed:
            connection_.arm(connection::phase::reading, header_done_ + o.body_timeout);
            return true;
    }
    return false;
}

// Runs the handler and appends its answer. False: the connection is over.
task<bool> http1_session::answer() {
    if (!out_.empty()) {
        if (connection_.is_secure() || out_.size() >= flush_at) {
            if (!co_await flush()) co_return false;
        } else {
            post_flush();
        }
    }
    request_.received = message_began_;
    request_.remote_address = connection_.remote_address();  // a handler may have put another in its place for the last request
    connection_.arm(connection::phase::handling, steady_point::max());
    response answer;
    in_handler_ = true;
    const bool streamed = parser_.stage() == parse_stage::stream;
    const bool handled = streamed ? co_await call_streaming_handler(answer) : co_await call_handler(answer, nullptr);
    in_handler_ = false;
    if (gone_) co_return false;
    now_ = system_clock().steady_now();
    if (!handled || !is_sendable(answer)) {
        if (handled) telemetry::error("http.response_refused", {{"status", answer.status}});
        answer = listener_.error_page(500, "the server failed to answer");
    }
    closing_ = closing_ || !parser_.keep_alive() || listener_.draining() || syntax::list_has(answer.headers.get("Connection"), "close");
    if (answer.stream && !is_bodiless(answer.status)) {
        if (!co_await send_stream(answer)) co_return false;
    } else {
        append(answer, framing::length);
    }
    next_request();
    co_return true;
}

std::optional<std::uint64_t> http1_session::find_stream(const request& r) {
    const auto& streams = listener_.options().streams;
    stream_ = streams ? streams(r) : nullptr;
    return stream_ ? std::optional(stream_->max_bytes) : std::nullopt;
}

// With a reader it is the handler of a stream.
task<bool> http1_session::call_handler(response& answer, body_reader* body) {
    try {
        answer = body ? co_await stream_->handle(request_, *body) : co_await listener_.handler()(request_);
        co_return true;
    } catch (...) {
        log_failure("http.handler_failed");
    }
    co_return false;
}

// The handler may answer before the body is whole, and need not see that it broke: a body that failed is never answered with success.
task<bool> http1_session::call_streaming_handler(response& answer) {
    stream_reader reader(*this);
    const bool handled = co_await call_handler(answer, &reader);
    gone_ = reader.gone();
    const bool failed = parser_.stage() == parse_stage::failed;
    if (failed || reader.late()) {
        closing_ = true;
        answer = failed ? listener_.error_page(parser_.status(), parser_.detail()) : listener_.error_page(408, "the body took too long");
        co_return true;
    }
    discard_rest();
    co_return handled;
}

// What has arrived of a body that nobody reads on is dropped; what has not is not waited for: the connection ends with the answer,
// and lingers so that a peer that still sends can read it.
void http1_session::discard_rest() {
    std::string dropped;
    if (parser_.stage() == parse_stage::stream) in_.consume(parser_.put_piece(in_.view(), dropped));
    if (parser_.stage() != parse_stage::done) closing_ = true;
}

task<bool> http1_session::send_stream(const response& answer) {
    const auto f = parser_.http_1_1() ? framing::chunked : framing::close;
    if (f == framing::close) closing_ = true;
    stream_writer writer(*this, answer, f);
    bool failed = false;
    if (request_.verb != verb::head) {
        try {
            co_await answer.stream(writer);
        } catch (...) {
            failed = true;
            if (!writer.broken()) log_failure("http.stream_failed");
        }
    }
    if (writer.broken()) co_return false;
    if (failed && !writer.begun()) {
        append_error(500, "the server failed to answer");
        co_return true;
    }
    if (failed) {
        // A reset, so that the peer does not take what it has for the whole.
        boost::system::error_code ignored;
        connection_.socket().set_option(asio::socket_base::linger(true, 0), ignored);
        connection_.close();
        co_return false;
    }
    writer.begin();
    if (f == framing::chunked && request_.verb != verb::head) out_ += last_chunk;
    co_return true;
}

void http1_session::append(const response& r, framing f) {
    const auto c = closing_               ? connection_header::close
                   : !parser_.http_1_1() ? connection_header::keep_alive
                                         : connection_header::none;
    append_head(out_, r, f, c, listener_.date(now_));
    if (f == framing::length && request_.verb != verb::head && !is_bodiless(r.status)) out_ += r.body;
}

void http1_session::append_error(int status, std::string_view detail) {
    closing_ = true;
    append(listener_.error_page(status, detail), framing::length);
}

// True: nothing is left to send.
bool http1_session::try_flush() {
    if (!out_.empty() && !connection_.is_secure()) connection_.try_write(out_);
    return out_.empty();
}

task<bool> http1_session::flush() {
    if (try_flush()) co_return true;
    co_return co_await connection_.write(out_, listener_.options().write_timeout);
}

// Answers wait for those of the same batch, but not for a handler that suspends: this runs as soon as it does. A write under way keeps out_.
void http1_session::post_flush() {
    if (std::exchange(flush_posted_, true)) return;
    asio::post(listener_.context(), [self = self_] {
        auto* session = *self;
        if (session == nullptr) return;
        session->flush_posted_ = false;
        if (session->in_handler_ && session->connection_.doing() != connection::phase::writing) session->try_flush();
    });
}

void http1_session::next_request() {
    if (request_.body.capacity() > keep_capacity) request_.body = {};
    parser_.next();
    first_ = continued_ = false;
}

}  // namespace

task<std::optional<std::string>> serve_http1(core_listener& listener, connection& c) {
    http1_session session(listener, c);
    co_await session.run();
    co_return session.take_http2();
}

namespace {

task<void> answer_and_close(core_listener& listener, connection& c, response page) {
    std::string out;
    append_head(out, page, framing::length, connection_header::close, listener.date(system_clock().steady_now()));
    out += page.body;
    if (co_await c.write(out, milliseconds(1'000))) co_await c.linger();
}

}  // namespace

task<void> refuse(core_listener& listener, connection& c) {
    auto page = listener.error_page(503, "too many connections; try again in a moment");
    page.headers.set("Retry-After", "1");
    co_await answer_and_close(listener, c, std::move(page));
}

task<void> refuse_plain(core_listener& listener, connection& c) {
    co_await answer_and_close(listener, c, listener.error_page(400, "this port speaks TLS only: ask for https:// instead of http://"));
}

}  // namespace bv::http
