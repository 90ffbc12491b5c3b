#include "platform/core/clock.hpp"

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace bv {
namespace {

class machine_clock final : public clock {
public:
    time_point now() const override { return std::chrono::floor<microseconds>(std::chrono::system_clock::now()); }
    steady_point steady_now() const override { return std::chrono::steady_clock::now(); }
    task<void> sleep_until(steady_point at) override {
        asio::steady_timer timer(co_await asio::this_coro::executor, at);
        co_await timer.async_wait(asio::use_awaitable);
    }
};

}  // namespace

clock& system_clock() noexcept {
    static machine_clock instance;
    return instance;
}

}  // namespace bv
