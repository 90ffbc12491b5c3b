#include "platform/storage/redis/link.hpp"

#include <algorithm>

#include <boost/asio/error.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/this_coro.hpp>
#include <fmt/format.h>

#include "platform/resilience/retry.hpp"
#include "platform/runtime/deadline.hpp"
#include "platform/storage/redis/command.hpp"
#include "platform/storage/redis/transport.hpp"
#include "platform/telemetry/log.hpp"

namespace bv::redis {

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
    : options(std::move(o)), tls(options.tls ? make_tls(options.ca_file) : nullptr), clock(c), rng(r), commands(telemetry::count("bv_redis_commands_total", "Commands that Redis answered")),
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
    : executor_(std::move(e)), shared_(std::move(s)), server_(std::move(server)), listener_(std::move(l)), timer_(executor_) {}

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
    disconnect();
}

void link::disconnect() noexcept {
    if (bytes_) bytes_->close();
}

// Ends by what it throws.
task<void> link::session() {
    auto& clock = shared_->clock;
    const auto& patience = shared_->options.connect_timeout;
    bytes_ = std::make_shared<transport>(executor_, shared_->tls);
    co_await with_deadline(clock, clock.steady_now() + patience, bytes_->connect(server_->at));
    co_await with_deadline(clock, clock.steady_now() + patience, greet());
    failures_ = 0;
    state_ = state::up;
    shared_->connections.add(1);
    server_->up.fetch_add(1);
    if (!listener_ && server_->told.exchange(false)) telemetry::info("redis.back", {{"server", server_->at.str()}});
    if (listener_) {
        bytes_->send(listener_->subscribe);
        heard_ = true;
        keep_alive();
    }
    if (!early_.empty()) bytes_->send(std::exchange(early_, {}));
    co_await receive();
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
    bytes_->send(bytes);
    for (;;) {
        reply said;
        const auto step = reader_.next(said);
        if (step == reply_reader::step::malformed) throw failure(away_error("it does not speak Redis's protocol"));
        if (step == reply_reader::step::ready && said.is != reply::kind::push) co_return said;
        if (step == reply_reader::step::more) co_await hear();
    }
}

// Gives what has arrived to the reader.
task<void> link::hear() {
    boost::system::error_code ec;
    const auto n = co_await bytes_->read(chunk_, ec);
    if (ec == asio::error::eof || ec == asio::error::connection_reset || ec == asio::ssl::error::stream_truncated) throw failure(away_error("it closed the connection"));
    if (ec && (co_await asio::this_coro::cancellation_state).cancelled() != asio::cancellation_type::none) throw boost::system::system_error(ec);
    if (ec) throw failure(away_error(given_up_ ? "it is no longer used" : "it does not answer"));
    heard_ = true;
    reader_.feed({chunk_.data(), n});
}

task<void> link::receive() {
    for (;;) {
        co_await hear();
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
    const auto queued = early_.size() + (bytes_ ? bytes_->queued() : 0);
    if (pending_.size() >= o.most_pending || queued + bytes.size() > o.most_queued_bytes)
        return fail(code::resource_exhausted, "REDIS_BUSY", fmt::format("Redis at {}: {} commands are in hand already", server_->at.str(), pending_.size()));
    const auto now = shared_->clock.steady_now();
    const auto until = std::min(deadline, now + o.call_timeout);
    auto out = pending_.emplace_back(std::make_shared<pending>(std::move(*permit), now, until));
    arm(until);
    if (state_ == state::up) bytes_->send(bytes);
    else early_ += bytes;
    return out;
}

task<result<reply>> link::wait(ticket t) { co_return co_await t->wait(); }

// Replies come in order: what is in hand cannot be told apart on another connection.
void link::lost(const error& why) {
    const bool was_up = state_ == state::up;
    state_ = state::away;
    disconnect();
    bytes_.reset();
    if (was_up) {
        shared_->connections.add(-1);
        server_->up.fetch_sub(1);
    }
    if (!listener_ && why.code != code::cancelled && !given_up_ && !server_->told.exchange(true))
        telemetry::warn("redis.away", {{"server", server_->at.str()}, {"error", why.message}});
    early_.clear();
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
    if (!std::exchange(heard_, false)) return disconnect();  // receive() tells
    bytes_->send(ping);
    arm(shared_->clock.steady_now() + shared_->options.silence);
}

void link::look_at_deadlines() {
    if (listener_) return keep_alive();
    if (pending_.empty()) return;
    const auto now = shared_->clock.steady_now();
    const auto& o = shared_->options;
    const auto silent_at = pending_.front()->sent() + o.silence;
    if (state_ == state::up && silent_at <= now) return disconnect();  // receive() tells
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
