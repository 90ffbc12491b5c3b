#include "platform/net/http2/client.hpp"

#include <charconv>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "platform/telemetry/log.hpp"

namespace bv::http2 {

namespace {

constexpr auto as_result = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t batch = 256 * 1024;

// An answer as it comes together.
class answer final : public stream {
public:
    answer(frames& f, std::size_t most, const asio::any_io_executor& e, steady_point deadline) : frames_(f), most_(most), done_(e, deadline) {}

    void on_field(std::string_view name, std::string_view value) override {
        if (name == ":status") std::from_chars(value.data(), value.data() + value.size(), result.status);
        else result.fields.add(name, value);
    }
    // What came before a final status were only hints.
    void on_fields_end() override {
        if (result.status < 200) result.fields.clear();
    }
    void on_data(std::string_view bytes) override {
        frames_.consume(*this, bytes.size());
        if (result.body.size() + bytes.size() > most_) {
            too_large_ = true;
            frames_.reset(*this, cancel);
        } else {
            result.body += bytes;
        }
    }
    void on_end() override { whole_ = true; }
    void on_close(std::uint32_t, bool unhandled) override {
        closed_ = true;
        using fault = call_fault;
        result.fault = too_large_ ? fault::too_large : whole_ ? fault::none : unhandled ? fault::unhandled : fault::lost;
        done_.cancel();
    }

    // Until it is closed; false: the deadline has passed, or the caller was cancelled.
    static task<bool> wait(std::shared_ptr<answer> self) {
        if (!self->closed_) co_await self->done_.async_wait(as_result);
        co_return self->closed_;
    }

    exchanged result;

private:
    frames& frames_;
    std::size_t most_;
    asio::steady_timer done_;
    bool whole_ = false, closed_ = false, too_large_ = false;
};

}  // namespace

client_connection::client_connection(std::shared_ptr<http::client_connection> connected, client_settings s)
    : link_(std::move(connected)), settings_(s), frames_(role::client, s.frames), silence_(link_->executor()) {}

bool client_connection::has_room() const noexcept { return is_usable() && frames_.open() < frames_.peer_max_streams(); }

void client_connection::end() noexcept {
    ended_ = true;
    silence_.cancel();
    link_->close();
}

void client_connection::retire() noexcept {
    retired_ = true;
    if (frames_.open() == 0) end();
}

task<exchanged> client_connection::exchange(std::shared_ptr<client_connection> self, std::span<const field> fields, std::string body, steady_point deadline) {
    const auto executor = co_await asio::this_coro::executor;
    const auto a = std::make_shared<answer>(self->frames_, self->settings_.max_body_bytes, executor, deadline);
    if (!self->is_usable() || !self->frames_.request(a, fields, body.empty())) co_return exchanged{.fault = call_fault::unhandled};
    if (!body.empty()) {
        self->frames_.write(*a, body);
        self->frames_.finish(*a, {});
    }
    // A caller that is destroyed or cancelled while it waits leaves nothing behind at the peer.
    struct abandon {
        client_connection& connection;
        answer& of;
        ~abandon() {
            if (!connection.frames_.is_open(of) || connection.ended_) return;
            connection.frames_.reset(of, cancel);
            connection.flush_soon();
        }
    } const guard{*self, *a};
    self->flush_soon();
    if (co_await answer::wait(a)) co_return std::move(a->result);
    if (system_clock().steady_now() < deadline) throw boost::system::system_error(asio::error::operation_aborted);
    co_return exchanged{.fault = call_fault::deadline};
}

void client_connection::flush_soon() {
    if (writing_ || ended_ || std::exchange(flush_posted_, true)) return;
    asio::post(link_->executor(), [weak = weak_from_this()] {
        const auto self = weak.lock();
        if (!self) return;
        self->flush_posted_ = false;
        self->flush();
    });
}

void client_connection::flush() {
    while (!writing_ && !ended_) {
        frames_.collect(out_, batch);
        if (out_.empty()) {
            if (retired_ && frames_.open() == 0) end();
            return;
        }
        if (!link_->try_write(out_)) return end();
        if (out_.empty()) continue;
        writing_ = true;
        // run() waits for it.
        ++writers_;
        asio::co_spawn(link_->executor(), write_rest(shared_from_this()), [self = shared_from_this()](const std::exception_ptr& e) {
            if (e) self->end();
            if (--self->writers_ == 0 && self->joined_) self->joined_->wake();
        });
    }
}

task<void> client_connection::write_rest(std::shared_ptr<client_connection> self) {
    std::string pending = std::exchange(self->out_, {});
    for (std::size_t sent = 0; sent < pending.size();) {
        const auto n = co_await self->link_->write_some(std::string_view(pending).substr(sent));
        if (n == 0) co_return self->end();
        sent += n;
    }
    self->writing_ = false;
    self->flush();
}

// A peer that says nothing while answers are awaited is asked whether it lives.
void client_connection::watch() {
    silence_.expires_after(settings_.ping_interval);
    silence_.async_wait([weak = weak_from_this()](const boost::system::error_code& ec) {
        const auto self = weak.lock();
        if (ec || !self || self->ended_) return;
        if (std::exchange(self->heard_, false) || self->frames_.open() == 0) {
            self->pinged_ = false;
        } else if (std::exchange(self->pinged_, true)) {
            return self->end();
        } else {
            self->frames_.ping();
            self->flush_soon();
        }
        self->watch();
    });
}

task<void> client_connection::run(std::shared_ptr<client_connection> self) {
    self->flush();
    self->watch();
    while (!self->ended_) {
        const auto n = co_await self->link_->read_some(self->in_);
        self->heard_ = true;
        if (n == 0 || !self->frames_.receive({self->in_.data(), n})) break;
        self->flush();
        if (self->frames_.over() || (self->retired_ && self->frames_.open() == 0)) break;
    }
    self->end();
    if (const auto& why = self->link_->refused(); !why.empty()) telemetry::warn("http2.connection_refused", {{"why", why}});
    self->frames_.close_all(!self->link_->refused().empty());
    if (self->writers_ == 0) co_return;
    co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
    self->joined_ = waiter::make();
    co_await self->joined_->wait([] {});
}

}  // namespace bv::http2
