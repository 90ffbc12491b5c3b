#include "platform/storage/redis/link.hpp"

#include <algorithm>

#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <fmt/format.h>

#include "platform/resilience/retry.hpp"
#include "platform/runtime/deadline.hpp"
#include "platform/storage/redis/command.hpp"
#include "platform/telemetry/log.hpp"

namespace bv::redis {

using stream = asio::generic::stream_protocol;

namespace {

constexpr resilience::retry_policy reconnects{.attempts = 0, .first = milliseconds(50), .longest = milliseconds(2'000)};
constexpr int most_doublings = 16;

resilience::circuit_options circuit_of(const address& at) {
    return {.dependency = "redis " + at.str(), .window = milliseconds(5'000), .least_calls = 8, .failure_rate = 0.5, .open_for = milliseconds(500), .probes = 1};
}

bool is_refused_login(const reply& r) {
    const auto word = r.error_code();
    return word == "WRONGPASS" || word == "NOAUTH" || word == "NOPERM" || r.text.find("invalid password") != std::string::npos ||
           r.text.find("without any password") != std::string::npos;
}

}  // namespace

shared_state::shared_state(redis::options o, bv::clock& c, bv::rng& r)
    : options(std::move(o)), clock(c), rng(r), commands(telemetry::count("bv_redis_commands_total", "Commands that Redis answered")),
      refusals(telemetry::count("bv_redis_refused_total", "Commands that Redis answered with an error")),
      timeouts(telemetry::count("bv_redis_timeouts_total", "Commands that Redis did not answer in time")),
      unreachable(telemetry::count("bv_redis_unreachable_total", "Commands not sent, or not answered, because Redis was away")),
      redirections(telemetry::count("bv_redis_redirections_total", "Commands that a cluster sent elsewhere")),
      seconds(telemetry::time("bv_redis_command_seconds", "From queueing a command to its reply")),
      connections(telemetry::measure("bv_redis_connections", "Connections to Redis that are up")) {}

server_state::server_state(address a, bv::clock& c) : at(std::move(a)), breaker(circuit_of(at), c) {}

// One command on its way.
class link::pending {
public:
    pending(resilience::circuit_breaker::permit p, steady_point sent, steady_point until) : sent_(sent), until_(until) { permit_.emplace(std::move(p)); }

    [[nodiscard]] bool ended() const noexcept { return outcome_.has_value(); }
    [[nodiscard]] steady_point sent() const noexcept { return sent_; }
    [[nodiscard]] steady_point until() const noexcept { return until_; }
    void end(result<reply> r) {
        if (ended()) return;
        // An error reply shows that the server is there.
        if (r) permit_->succeeded();
        else permit_->failed();
        outcome_.emplace(std::move(r));
        done_->wake();
    }
    task<result<reply>> wait() {
        if (!ended()) co_await done_->wait();
        co_return std::move(*outcome_);
    }

private:
    const steady_point sent_, until_;
    std::optional<resilience::circuit_breaker::permit> permit_;
    std::optional<result<reply>> outcome_;
    std::shared_ptr<waiter> done_ = waiter::make();
};

link::link(asio::any_io_executor e, std::shared_ptr<shared_state> s, std::shared_ptr<server_state> server, std::shared_ptr<const listener> l)
    : executor_(std::move(e)), shared_(std::move(s)), server_(std::move(server)), listener_(std::move(l)), socket_(executor_), timer_(executor_) {}

link::~link() = default;

error link::away_error(std::string_view what) const {
    return {code::unavailable, "REDIS_AWAY", fmt::format("Redis at {}: {}", server_->at.str(), what), {}, {}};
}

task<void> link::serve_once(std::shared_ptr<link> self) {
    std::exception_ptr ended;
    error why;
    try {
        co_await self->session();
    } catch (...) {
        ended = std::current_exception();
        why = current_error();
    }
    self->lost(why);
    if (why.code == code::cancelled) std::rethrow_exception(ended);
}

task<void> link::run(std::shared_ptr<link> self) {
    auto& clock = self->shared_->clock;
    while (!self->given_up_) {
        co_await serve_once(self);
        if (self->given_up_) co_return;
        self->failures_ = std::min(self->failures_ + 1, most_doublings);
        co_await clock.sleep_for(milliseconds(1) + resilience::backoff(reconnects, self->failures_, self->shared_->rng));
    }
}

void link::give_up() {
    given_up_ = true;
    close_socket();
}

void link::close_socket() noexcept {
    boost::system::error_code ignored;
    socket_.close(ignored);
}

// Ends by what it throws.
task<void> link::session() {
    auto& clock = shared_->clock;
    co_await with_deadline(clock, clock.steady_now() + shared_->options.connect_timeout, connect());
    co_await with_deadline(clock, clock.steady_now() + shared_->options.connect_timeout, greet());
    failures_ = 0;
    ++sessions_;
    state_ = state::up;
    shared_->connections.add(1);
    server_->up.fetch_add(1);
    if (!listener_ && server_->told.exchange(false)) telemetry::info("redis.back", {{"server", server_->at.str()}});
    if (listener_) {
        out_ = listener_->subscribe;
        heard_ = true;
        keep_alive();
    }
    flush();
    co_await receive();
}

task<void> link::connect() {
    close_socket();
    const auto& at = server_->at;
    if (at.is_socket()) {
        boost::system::error_code refused;
        co_await socket_.async_connect(stream::endpoint(asio::local::stream_protocol::endpoint(at.host)), asio::redirect_error(asio::use_awaitable, refused));
        if (refused) throw failure(away_error(refused.message()));
        co_return;
    }
    std::vector<asio::ip::tcp::endpoint> all;
    boost::system::error_code is_name, ec = asio::error::host_not_found;
    if (const auto literal = asio::ip::make_address(at.host, is_name); !is_name) {
        all.emplace_back(literal, at.port);
    } else {
        asio::ip::tcp::resolver resolver(executor_);
        const auto found = co_await resolver.async_resolve(at.host, std::to_string(at.port), asio::redirect_error(asio::use_awaitable, ec));
        for (const auto& one : found) all.push_back(one.endpoint());
    }
    for (const auto& one : all) {
        close_socket();
        co_await socket_.async_connect(stream::endpoint(one), asio::redirect_error(asio::use_awaitable, ec));
        if (!ec) break;
    }
    if (ec) throw failure(away_error(ec.message()));
    socket_.set_option(asio::ip::tcp::no_delay(true));
}

// A server that does not know HELLO speaks RESP2 (Redis before 6).
task<void> link::greet() {
    reader_ = reply_reader();
    const auto& o = shared_->options;
    auto hello = command::of("HELLO", 3);
    if (!o.password.empty()) hello.add("AUTH"), hello.add(o.user.empty() ? std::string_view("default") : o.user), hello.add(o.password);
    auto said = co_await ask(hello.encoded());
    if (said.is_error() && !is_refused_login(said)) {
        said = {};
        if (!o.password.empty()) said = co_await ask((o.user.empty() ? command::of("AUTH", o.password) : command::of("AUTH", o.user, o.password)).encoded());
    }
    if (said.is_error())
        throw failure(code::failed_precondition, "REDIS_LOGIN_REFUSED",
                      fmt::format("Redis at {} refuses this login ({}); set redis.user and redis.password", server_->at.str(), said.error_code()));
}

task<reply> link::ask(std::string bytes) {
    co_await asio::async_write(socket_, asio::buffer(bytes), asio::use_awaitable);
    for (;;) {
        reply said;
        const auto step = reader_.next(said);
        if (step == reply_reader::step::malformed) throw failure(away_error("it does not speak Redis's protocol"));
        if (step == reply_reader::step::ready && said.is != reply::kind::push) co_return said;
        if (step == reply_reader::step::ready) continue;
        const auto n = co_await socket_.async_read_some(asio::buffer(chunk_), asio::use_awaitable);
        reader_.feed({chunk_.data(), n});
    }
}

task<void> link::receive() {
    for (;;) {
        boost::system::error_code ec;
        const auto n = co_await socket_.async_read_some(asio::buffer(chunk_), asio::redirect_error(asio::use_awaitable, ec));
        if (ec == asio::error::eof || ec == asio::error::connection_reset) throw failure(away_error("it closed the connection"));
        if (ec && (co_await asio::this_coro::cancellation_state).cancelled() != asio::cancellation_type::none) throw boost::system::system_error(ec);
        if (ec) throw failure(away_error(given_up_ ? "it is no longer used" : "it does not answer"));
        heard_ = true;
        reader_.feed({chunk_.data(), n});
        for (;;) {
            reply said;
            const auto step = reader_.next(said);
            if (step == reply_reader::step::more) break;
            if (step == reply_reader::step::malformed) throw failure(away_error("its answer is malformed or too large"));
            deliver(std::move(said));
        }
    }
}

void link::deliver(reply said) {
    if (listener_) return listener_->heard(said);
    if (said.is == reply::kind::push) return;  // nothing was subscribed to
    if (pending_.empty()) throw failure(away_error("it answered more than it was asked"));
    const auto first = std::move(pending_.front());
    pending_.pop_front();
    shared_->commands.add();
    if (said.is_error()) shared_->refusals.add();
    shared_->seconds.observe(std::chrono::duration<double>(shared_->clock.steady_now() - first->sent()).count());
    first->end(std::move(said));
}

result<link::ticket> link::submit(std::string bytes, steady_point deadline) {
    // The breaker is for a server that is connected and does not answer.
    if (state_ == state::away || given_up_) {
        shared_->unreachable.add();
        return std::unexpected(away_error("it is not connected"));
    }
    auto permit = server_->breaker.acquire();
    if (!permit) {
        shared_->unreachable.add();
        return std::unexpected(std::move(permit.error()));
    }
    const auto& o = shared_->options;
    if (pending_.size() >= o.most_pending || out_.size() + bytes.size() > o.most_queued_bytes)
        return fail(code::resource_exhausted, "REDIS_BUSY", fmt::format("Redis at {}: {} commands are in hand already", server_->at.str(), pending_.size()));
    const auto now = shared_->clock.steady_now();
    const auto until = std::min(deadline, now + o.call_timeout);
    auto out = pending_.emplace_back(std::make_shared<pending>(std::move(*permit), now, until));
    out_ += bytes;
    arm(until);
    flush();
    return out;
}

task<result<reply>> link::wait(ticket t) { co_return co_await t->wait(); }

void link::flush() {
    if (writing_ || out_.empty() || state_ != state::up) return;
    writing_ = true;
    in_flight_.clear();
    in_flight_.swap(out_);
    asio::async_write(socket_, asio::buffer(in_flight_), [self = shared_from_this(), session = sessions_](const boost::system::error_code& ec, std::size_t) {
        self->writing_ = false;
        // Reading sees a broken connection, too, and tells. What is queued meanwhile belongs to the next one.
        if (!ec || session != self->sessions_) self->flush();
    });
}

// Replies come in order: what is in hand cannot be told apart on another connection.
void link::lost(const error& why) {
    const bool was_up = state_ == state::up;
    state_ = state::away;
    close_socket();
    if (was_up) {
        shared_->connections.add(-1);
        server_->up.fetch_sub(1);
    }
    if (!listener_ && why.code != code::cancelled && !given_up_ && !server_->told.exchange(true))
        telemetry::warn("redis.away", {{"server", server_->at.str()}, {"error", why.message}});
    out_.clear();
    for (const auto& p : std::exchange(pending_, {})) {
        if (p->ended()) continue;
        shared_->unreachable.add();
        p->end(std::unexpected(away_error("the connection was lost before the answer")));
    }
}

// Armed rarely: most commands are answered long before.
void link::arm(steady_point at) {
    if (armed_ && alarm_ <= at) return;
    armed_ = true;
    alarm_ = at;
    const auto left = std::max(at - shared_->clock.steady_now(), std::chrono::nanoseconds::zero());
    timer_.expires_after(std::chrono::ceil<milliseconds>(left));
    timer_.async_wait([weak = weak_from_this(), round = ++alarms_](const boost::system::error_code&) {
        if (const auto self = weak.lock(); self && round == self->alarms_) {
            self->armed_ = false;
            self->look_at_deadlines();
        }
    });
}

// Nothing may be said for hours: without a question, a server that is gone is not told from one that is silent.
void link::keep_alive() {
    static const std::string ping = command::of("PING").encoded();
    if (state_ != state::up) return;
    if (!std::exchange(heard_, false)) return close_socket();  // receive() tells
    out_ += ping;
    flush();
    arm(shared_->clock.steady_now() + shared_->options.silence);
}

void link::look_at_deadlines() {
    if (listener_) return keep_alive();
    if (pending_.empty()) return;
    const auto now = shared_->clock.steady_now();
    const auto& o = shared_->options;
    const auto silent_at = pending_.front()->sent() + o.silence;
    if (state_ == state::up && silent_at <= now) return close_socket();  // receive() tells
    auto next = silent_at;
    for (const auto& p : pending_) {
        if (p->ended()) continue;
        if (p->until() > now) {
            next = std::min(next, p->until());
            continue;
        }
        shared_->timeouts.add();
        p->end(fail(code::deadline_exceeded, "REDIS_SLOW", fmt::format("Redis at {} did not answer in time", server_->at.str())));
    }
    arm(std::max(next, now + milliseconds(1)));
}

}  // namespace bv::redis
