#include "platform/core/clock.hpp"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace bv {
namespace {

class machine_timer final : public timer {
public:
    explicit machine_timer(asio::any_io_executor e) : timer_(std::move(e)) {}
    task<void> wait_until(steady_point at) override {
        boost::system::error_code ignored;
        timer_.expires_at(at);
        co_await timer_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    }
    void cancel() noexcept override { timer_.cancel(); }

private:
    asio::steady_timer timer_;
};

class machine_clock final : public clock {
public:
    time_point now() const override { return std::chrono::floor<microseconds>(std::chrono::system_clock::now()); }
    steady_point steady_now() const override { return std::chrono::steady_clock::now(); }
    task<void> sleep_until(steady_point at) override {
        asio::steady_timer alarm(co_await asio::this_coro::executor, at);
        co_await alarm.async_wait(asio::use_awaitable);
    }
    std::unique_ptr<timer> make_timer(asio::any_io_executor e) override { return std::make_unique<machine_timer>(std::move(e)); }
};

}  // namespace

clock& system_clock() noexcept {
    static machine_clock instance;
    return instance;
}

}  // namespace bv
