#include "platform/runtime/gate.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

namespace bv {
namespace {

task<void> close(gate& g, int& closed) {
    co_await g.close();
    ++closed;
}

TEST(gate, close_refuses_at_once_and_waits_for_the_last_holder) {
    asio::io_context io;
    gate g;
    auto first = g.enter(), second = g.enter();
    ASSERT_TRUE(first && second);
    int closed = 0;
    asio::co_spawn(io, close(g, closed), asio::detached);
    asio::co_spawn(io, close(g, closed), asio::detached);
    io.poll();
    EXPECT_TRUE(g.closed());
    EXPECT_FALSE(g.enter());
    first.reset();
    io.poll();
    EXPECT_EQ(closed, 0);
    second.reset();
    io.poll();
    EXPECT_EQ(closed, 2);
    EXPECT_EQ(g.held(), 0U);
}

TEST(gate, an_empty_gate_closes_at_once) {
    asio::io_context io;
    gate g;
    int closed = 0;
    asio::co_spawn(io, close(g, closed), asio::detached);
    io.poll();
    EXPECT_EQ(closed, 1);
}

TEST(gate, a_moved_holder_counts_once) {
    gate g;
    auto a = g.enter();
    ASSERT_TRUE(a);
    {
        gate::holder b = std::move(*a);
        a.reset();
        EXPECT_EQ(g.held(), 1U);
    }
    EXPECT_EQ(g.held(), 0U);
}

}  // namespace
}  // namespace bv
