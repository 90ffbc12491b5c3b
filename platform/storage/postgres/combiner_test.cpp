#include "platform/storage/postgres/combiner.hpp"

#include <gtest/gtest.h>

#include <boost/asio.hpp>

namespace bv::pg {
namespace {

// Calls back when it is moved while armed: between a caller's first step and its first wait.
struct request {
    int number = 0;
    std::function<void()>* armed = nullptr;
    explicit request(int n, std::function<void()>* a = nullptr) : number(n), armed(a) {}
    request(const request&) = default;
    request(request&& other) : number(other.number), armed(other.armed) {
        if (armed && *armed) (*armed)();
    }
};
using numbers = combiner<request, int>;

task<std::vector<int>> answer_all(std::vector<request> asked) {
    std::vector<int> out;
    for (const auto& r : asked) out.push_back(r.number);
    co_return out;
}

task<void> cancelled_while_it_takes_the_lead(std::shared_ptr<numbers> c, std::function<void()>& armed, asio::cancellation_signal& stop, bool& cancelled) {
    auto submitted = numbers::submit(c, request(1, &armed));
    armed = [&stop] { stop.emit(asio::cancellation_type::terminal); };
    try {
        co_await std::move(submitted);
    } catch (const boost::system::system_error&) {
        cancelled = true;
    }
    co_await asio::this_coro::reset_cancellation_state();
}

TEST(combiner, a_leader_that_is_cancelled_leaves_the_lead_to_others) {
    asio::io_context io;
    const auto c = std::make_shared<numbers>(8, &answer_all);
    asio::cancellation_signal stop;
    std::function<void()> armed;
    bool cancelled = false;
    int answer = 0;
    asio::co_spawn(io, cancelled_while_it_takes_the_lead(c, armed, stop, cancelled), asio::bind_cancellation_slot(stop.slot(), [](std::exception_ptr) {}));
    io.run();
    io.restart();
    armed = nullptr;
    asio::co_spawn(io, numbers::submit(c, request(2)), [&](std::exception_ptr, int got) { answer = got; });
    io.run();
    EXPECT_TRUE(cancelled);
    EXPECT_EQ(answer, 2);
}

}  // namespace
}  // namespace bv::pg
