#include "app/stack/redis_child.hpp"

#include <csignal>

#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

namespace bv::stack {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

class private_redis : public testing::Test {
protected:
    void SetUp() override {
        if (::access("/usr/bin/redis-server", X_OK) != 0) GTEST_SKIP() << "redis-server is not installed";
        char name[] = "/tmp/bv-redis-test-XXXXXX";
        folder_ = ::mkdtemp(name);
        fs::permissions(folder_, fs::perms::others_exec | fs::perms::group_exec, fs::perm_options::add);
        dir_.emplace(data_dir::open(folder_ / "data"));
        fs::permissions(folder_ / "data", fs::perms::others_exec | fs::perms::group_exec, fs::perm_options::add);
        redis_.start(*dir_, "postgres");
    }
    void TearDown() override {
        redis_.stop();
        if (!folder_.empty()) fs::remove_all(folder_);
    }
    void kill() {
        ::kill(redis_.pid(), SIGKILL);
        while (redis_.running()) ::usleep(1'000);
    }

    fs::path folder_;
    std::optional<data_dir> dir_;
    redis_child redis_;
    steady_point now_{1h};
};

TEST_F(private_redis, that_dies_is_started_again_after_a_pause) {
    const auto first = redis_.pid();
    EXPECT_FALSE(redis_.tend(now_));
    kill();
    EXPECT_FALSE(redis_.tend(now_));
    EXPECT_FALSE(redis_.tend(now_ + 199ms));
    EXPECT_TRUE(redis_.tend(now_ + 200ms));
    EXPECT_NE(redis_.pid(), first);
    EXPECT_TRUE(redis_.running());
}

TEST_F(private_redis, that_goes_on_dying_is_tried_less_and_less_often_and_nobody_waits_for_it) {
    int starts = 0;
    for (auto end = now_ + 60s; now_ < end; now_ += 100ms) {
        if (redis_.tend(now_)) ++starts;
        if (redis_.pid() != 0) kill();
    }
    EXPECT_EQ(starts, 10);  // pauses of 0.2, 0.4, … 6.4 s, and then of 10
    now_ += 31s;            // and once it has lived for a while, soon again
    ASSERT_TRUE(redis_.tend(now_) || redis_.tend(now_ += 10s));
    now_ += 31s;
    kill();
    EXPECT_FALSE(redis_.tend(now_));
    EXPECT_TRUE(redis_.tend(now_ + 200ms));
}

}  // namespace
}  // namespace bv::stack
