#include "platform/runtime/process_identity.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>

namespace bv {
namespace {

// A process that says who it is, and then waits for a signal.
struct other_process {
    pid_t pid = 0;
    std::string identity;

    // The identity is made in the child by the rule of this process's own: the pid and the start differ.
    other_process() {
        std::array<int, 2> pipe{};
        if (::pipe(pipe.data()) != 0) return;
        pid = ::fork();
        if (pid == 0) {
            ::execl("/bin/sh", "sh", "-c", ("cut -d' ' -f22 /proc/$$/stat >&" + std::to_string(pipe[1]) + "; exec sleep 600").c_str(), nullptr);
            ::_exit(127);
        }
        ::close(pipe[1]);
        std::string started;
        for (char c = 0; ::read(pipe[0], &c, 1) == 1 && c != '\n';) started.push_back(c);
        ::close(pipe[0]);
        const auto& own = process_identity();
        const auto place = own.substr(0, own.rfind(':', own.rfind(':') - 1));
        identity = place + ":" + std::to_string(pid) + ":" + started;
    }
    ~other_process() { end(); }
    void end() {
        if (pid <= 0) return;
        ::kill(pid, SIGKILL);
        ::waitpid(pid, nullptr, 0);
        pid = 0;
    }
};

TEST(process_identity, is_one_text_for_as_long_as_the_process_lives) {
    EXPECT_EQ(process_identity(), process_identity());
    EXPECT_NE(process_identity().find(":" + std::to_string(::getpid()) + ":"), std::string::npos);
    EXPECT_FALSE(is_surely_gone(process_identity()));
}

TEST(process_identity, tells_who_is_gone_from_who_stands_still) {
    other_process other;
    EXPECT_FALSE(is_surely_gone(other.identity));
    ::kill(other.pid, SIGSTOP);
    EXPECT_FALSE(is_surely_gone(other.identity));
    ::kill(other.pid, SIGKILL);
    siginfo_t info{};
    ::waitid(P_PID, static_cast<id_t>(other.pid), &info, WEXITED | WNOWAIT);
    EXPECT_TRUE(is_surely_gone(other.identity)) << "dead, though its parent has not looked yet";
    other.end();
    EXPECT_TRUE(is_surely_gone(other.identity));
}

TEST(process_identity, a_pid_that_is_used_again_is_somebody_else) {
    const auto& own = process_identity();
    EXPECT_TRUE(is_surely_gone(own.substr(0, own.rfind(':')) + ":1"));
    EXPECT_TRUE(is_surely_gone(own.substr(0, own.rfind(':')) + ":1#2")) << "a part of that process";
}

TEST(process_identity, who_cannot_be_seen_may_be_alive) {
    for (const auto* text : {"", "another-boot:4026531836:1:1", "node 1", ":::", "a:b:c:d"}) EXPECT_FALSE(is_surely_gone(text)) << text;
    const auto& own = process_identity();
    EXPECT_FALSE(is_surely_gone(own + "x"));
    EXPECT_FALSE(is_surely_gone(own.substr(0, own.rfind(':'))));
}

}  // namespace
}  // namespace bv
