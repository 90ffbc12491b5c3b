#include "platform/net/http2/serve.hpp"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>

#include "platform/core/error.hpp"
#include "platform/net/http/serialize.hpp"
#include "platform/net/http2/answer.hpp"
#include "platform/net/http2/server_stream.hpp"
#include "platform/telemetry/log.hpp"

namespace bv::http2 {

namespace {

using http::connection;
using http::response;
using phase = connection::phase;

constexpr std::size_t read_size = 64 * 1024;
constexpr std::size_t batch = 256 * 1024;         // of bytes collected before they are sent
constexpr seconds ping_every{1};                  // that a client may ask while nothing else happens, and as many at once:
constexpr std::uint32_t most_pings = 60;          // one that asks more is told to calm down, as gRPC's servers do
constexpr milliseconds goodbye_at_most{2'000};    // for a peer to answer our first GOAWAY, or to take the last

void log_failure(std::string_view event) {
    const auto e = current_error();
    if (e.code != code::cancelled) telemetry::error(event, {{"reason", e.reason}, {"message", e.message}});
}

class session final : public stream_owner {
public:
    session(http::core_listener& l, connection& c)
        : listener_(l), connection_(c), frames_(role::server, {l.options().max_streams, l.options().stream_window, static_cast<std::uint32_t>(l.options().max_header_bytes)}, [this] { return accept(); }) {}
    ~session() override { *self_ = nullptr; }
    session(const session&) = delete;
    session& operator=(const session&) = delete;

    task<void> run(std::string begun);

    [[nodiscard]] const http::server_options& options() const noexcept override { return listener_.options(); }
    void handle(const std::shared_ptr<server_stream>&) override;
    void refuse(server_stream&, int status, std::string_view detail) override;
    void consume(const server_stream& s, std::size_t n) override {
        frames_.consume(s, n);
        flush_soon();
    }
    void flush_soon() override;

private:
    friend class stream_writer;

    std::shared_ptr<stream> accept();
    task<void> speak(std::string begun);
    task<void> answer(std::shared_ptr<server_stream>);
    task<void> answer_stream(server_stream&, response&);
    void send(server_stream&, response);
    void handler_ended();
    task<void> join_handlers();
    void flush();
    task<void> write_rest();
    void arm();
    bool on_silence();
    [[nodiscard]] milliseconds check_interval() const noexcept { return std::min(options().body_timeout / 4, options().ping_interval); }
    void begin_drain();
    void weigh_pings();
    [[nodiscard]] bool is_done() const noexcept { return broken_ || (said_goodbye_ && frames_.open() == 0) || frames_.over(); }

    http::core_listener& listener_;
    connection& connection_;
    frames frames_;
    std::array<char, read_size> in_{};
    std::string out_;
    std::shared_ptr<session*> self_ = std::make_shared<session*>(this);  // for posted flushes
    std::shared_ptr<waiter> joined_;
    std::size_t handlers_ = 0;
    steady_point pings_since_ = system_clock().steady_now();
    steady_point write_since_{}, heard_ = system_clock().steady_now(), check_at_{};
    bool first_ = true;              // no stream yet
    bool flush_posted_ = false, writing_ = false, broken_ = false;
    bool pinged_ = false;            // and nothing has come since
    bool draining_ = false, said_goodbye_ = false;
};

std::shared_ptr<stream> session::accept() {
    first_ = false;
    if (frames_.open() == 0) check_at_ = system_clock().steady_now() + check_interval();
    // Handlers of streams that the client has reset count on: else resets would buy work without a bound.
    if (said_goodbye_ || handlers_ >= 2 * std::size_t{options().max_streams}) return nullptr;
    return std::make_shared<server_stream>(*this, connection_);
}

// Frames the pieces of a streamed answer; the head goes out with the first.
class stream_writer final : public http::body_writer {
public:
    stream_writer(session& s, server_stream& to, response& r) : session_(s), stream_(to), response_(r) {}

    task<bool> write(std::string piece) override {
        begin();
        if (stream_.closed) co_return false;
        session_.frames_.write(stream_, piece);
        session_.flush_soon();
        co_return co_await stream_.drained();
    }
    void add_header(std::string_view name, std::string_view value) override {
        if (!begun_) response_.headers.add(name, value);
    }
    void finish_with(http::fields trailers) override { trailers_ = std::move(trailers); }
    void begin() {
        if (std::exchange(begun_, true) || stream_.closed) return;
        const answer_fields fields(response_, session_.listener_.date(system_clock().steady_now()), false);
        session_.frames_.respond(stream_, fields.all(), false);
        session_.flush_soon();
    }
    [[nodiscard]] bool begun() const noexcept { return begun_; }
    [[nodiscard]] http::fields& trailers() noexcept { return trailers_; }

private:
    session& session_;
    server_stream& stream_;
    response& response_;
    http::fields trailers_;
    bool begun_ = false;
};

void session::handle(const std::shared_ptr<server_stream>& s) {
    ++handlers_;
    // It keeps the stream, whose signal the task listens to until this is called. answer() has caught what could be told.
    const auto done = [this, s](const std::exception_ptr&) { handler_ended(); };
    asio::co_spawn(listener_.context(), answer(s), asio::bind_cancellation_slot(s->cancel.slot(), done));
}

void session::handler_ended() {
    if (--handlers_ == 0 && joined_) joined_->wake();
}

task<void> session::answer(std::shared_ptr<server_stream> s) {
    response r;
    bool handled = false;
    try {
        r = s->wanted ? co_await s->wanted->handle(s->request, *s) : co_await listener_.handler()(s->request);
        handled = true;
    } catch (...) {
        log_failure("http.handler_failed");
    }
    if (s->closed) co_return;
    if (!handled || !http::is_sendable(r)) {
        if (handled) telemetry::error("http.response_refused", {{"status", r.status}});
        r = listener_.error_page(500, "the server failed to answer", &s->request);
    }
    // The handler may answer before the body is whole, and need not see that it broke.
    if (const auto [status, why] = s->fault(); status != 0 && !r.stream) r = listener_.error_page(status, why, &s->request);
    if (r.stream && !http::is_bodiless(r.status) && s->request.verb != http::verb::head) co_await answer_stream(*s, r);
    else send(*s, std::move(r));
}

task<void> session::answer_stream(server_stream& s, response& r) {
    stream_writer writer(*this, s, r);
    bool failed = false;
    try {
        co_await r.stream(writer);
    } catch (...) {
        failed = true;
        if (!s.closed) log_failure("http.stream_failed");
    }
    if (s.closed) co_return;
    if (failed) {
        if (writer.begun()) frames_.reset(s, internal_error);
        else send(s, listener_.error_page(500, "the server failed to answer", &s.request));
    } else {
        writer.begin();
        frames_.finish(s, std::move(writer.trailers()));
    }
    flush_soon();
}

void session::send(server_stream& s, response r) {
    const bool bodiless = http::is_bodiless(r.status) || s.request.verb == http::verb::head;
    const answer_fields fields(r, listener_.date(system_clock().steady_now()), !r.stream && r.trailers.size() == 0);
    const bool last = bodiless || (r.body.empty() && r.trailers.size() == 0);
    frames_.respond(s, fields.all(), last);
    s.answered_whole = true;
    if (!last) {
        frames_.write(s, r.body);
        frames_.finish(s, std::move(r.trailers));
    }
    flush_soon();
}

void session::refuse(server_stream& s, int status, std::string_view detail) { send(s, listener_.error_page(status, detail, &s.request)); }

// Answers wait for those of the same turn of the loop, so that one write carries them.
void session::flush_soon() {
    if (writing_ || std::exchange(flush_posted_, true)) return;
    asio::post(listener_.context(), [self = self_] {
        auto* s = *self;
        if (s == nullptr) return;
        s->flush_posted_ = false;
        s->flush();
    });
}

void session::flush() {
    while (!writing_ && !broken_) {
        frames_.collect(out_, batch);
        if (out_.empty()) break;
        if (!connection_.is_secure() && !connection_.try_write(out_)) broken_ = true;
        if (out_.empty() || broken_) continue;
        writing_ = true;
        write_since_ = system_clock().steady_now();
        ++handlers_;
        asio::co_spawn(listener_.context(), write_rest(), [this](const std::exception_ptr&) { handler_ended(); });
    }
    if (!writing_ && is_done()) connection_.cancel();
    arm();
}

task<void> session::write_rest() {
    std::string pending = std::exchange(out_, {});
    std::size_t sent = 0;
    arm();
    while (sent < pending.size()) {
        const auto n = co_await connection_.write_some(std::string_view(pending).substr(sent));
        if (n == 0) break;
        sent += n;
        write_since_ = system_clock().steady_now();
        arm();
    }
    writing_ = false;
    if (sent < pending.size()) {
        broken_ = true;
        connection_.cancel();
        co_return;
    }
    pending.clear();
    if (out_.empty()) out_.swap(pending);
    flush();
}

// The nearest deadline of all that goes on. A sweep that finds it passed ends what is pending; see on_silence().
void session::arm() {
    const auto& o = options();
    const auto now = system_clock().steady_now();
    if (writing_) return connection_.rearm(phase::writing, write_since_ + o.write_timeout);
    if (draining_) return connection_.rearm(phase::handling, now + goodbye_at_most);
    if (frames_.open() == 0) return connection_.rearm(handlers_ == 0 ? phase::idle : phase::handling, now + (first_ ? o.header_timeout : o.idle_timeout));
    connection_.rearm(phase::handling, check_at_);
}

// The deadline that was armed has passed. False: the connection is over.
bool session::on_silence() {
    if (writing_ || broken_) return false;
    if (frames_.open() == 0 && !draining_) {
        frames_.goaway(no_error);
        said_goodbye_ = true;
        flush();
        return false;
    }
    if (draining_) {
        if (!std::exchange(said_goodbye_, true)) frames_.goaway(no_error);  // a peer that does not answer gets its last word too
        return true;
    }
    const auto now = system_clock().steady_now();
    bool someone = false;
    std::vector<std::shared_ptr<server_stream>> all;
    frames_.each([&](stream& s) { all.push_back(static_cast<server_stream&>(s).shared_from_this()); });
    for (const auto& s : all) {
        someone = someone || s->receiving();
        if (!s->overdue(now) && s->stalled(now)) frames_.reset(*s, cancel);
    }
    check_at_ = now + check_interval();
    if (someone || now - heard_ < options().ping_interval) return true;
    if (std::exchange(pinged_, true)) return false;
    frames_.ping();
    heard_ = now;
    return true;
}

void session::begin_drain() {
    if (std::exchange(draining_, true)) return;
    frames_.announce_goaway();
    flush_soon();
}

// Pings cost an answer each and carry nothing.
void session::weigh_pings() {
    const auto now = system_clock().steady_now();
    if (frames_.idle_pings() == 0) pings_since_ = now;
    const auto allowed = most_pings + (now - pings_since_) / ping_every;
    if (frames_.idle_pings() <= allowed || std::exchange(said_goodbye_, true)) return;
    frames_.goaway(enhance_your_calm, "too_many_pings");
}

task<void> session::speak(std::string begun) {
    std::string_view bytes = begun;
    bool silent = false;
    for (;;) {
        if (!silent && !frames_.receive(bytes)) {
            flush();
            co_return;
        }
        if (listener_.draining()) begin_drain();
        weigh_pings();
        if (draining_ && frames_.pong() && !std::exchange(said_goodbye_, true)) frames_.goaway(no_error);
        flush();
        if (is_done()) co_return;
        const auto n = co_await connection_.read_some(in_);
        silent = n == 0;
        if (silent) {
            if (is_done()) co_return;
            if (connection_.take_expired()) {
                if (!on_silence()) co_return;
            } else {
                co_return;  // the peer has gone
            }
        } else {
            pinged_ = false;
            heard_ = system_clock().steady_now();
        }
        bytes = {in_.data(), n};
    }
}

task<void> session::join_handlers() {
    if (handlers_ == 0) co_return;
    joined_ = waiter::make();
    const auto mine = joined_;
    co_await mine->wait([] {});
}

task<void> session::run(std::string begun) {
    connection_.on_drain([this] { begin_drain(); });
    std::exception_ptr broken;
    try {
        co_await speak(std::move(begun));
    } catch (...) {
        broken = std::current_exception();
    }
    connection_.on_drain({});
    // What is under way has nobody to answer any more; calls that change something end all the same.
    const bool polite = !broken_ && !broken;
    std::vector<std::shared_ptr<server_stream>> all;
    frames_.each([&](stream& s) { all.push_back(static_cast<server_stream&>(s).shared_from_this()); });
    frames_.close_all();
    if (!polite) connection_.close();
    co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
    co_await join_handlers();
    if (polite) co_await connection_.linger();
    if (broken) std::rethrow_exception(broken);
}

}  // namespace

task<void> serve(http::core_listener& listener, connection& c, std::string begun) {
    auto spoken = std::make_unique<session>(listener, c);  // it holds its read buffer: too large for a coroutine's frame
    co_await spoken->run(std::move(begun));
}

}  // namespace bv::http2
