#include "platform/runtime/signals.hpp"

#include <csignal>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

namespace bv {
namespace {

TEST(wait_for_stop_signal, resumes_with_the_signal) {
    for (const int wanted : {SIGTERM, SIGINT}) {
        asio::io_context io;
        int got = 0;
        asio::co_spawn(io, wait_for_stop_signal(), [&got](const std::exception_ptr&, int signal) { got = signal; });
        io.poll();
        ASSERT_EQ(std::raise(wanted), 0);
        io.run();
        EXPECT_EQ(got, wanted);
    }
}

}  // namespace
}  // namespace bv
