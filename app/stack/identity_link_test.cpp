#include "app/stack/identity_link.hpp"

#include <future>

#include <gtest/gtest.h>
#include <unistd.h>

#include "platform/core/error.hpp"

namespace bv::stack {
namespace {

class identity_link : public testing::Test {
protected:
    identity_link() { rt_.start(); }
    ~identity_link() override {
        rt_.stop();
        rt_.join();
    }
    // As a process inherits it.
    int inherited() {
        const int out = ::dup(sender_.others_end());
        sender_.give_away();
        return out;
    }
    std::string refusal(int descriptor) {
        try {
            const identity_receiver r(descriptor, rt_);
        } catch (const failure& f) {
            return f.error().reason;
        }
        return {};
    }

    bv::runtime rt_{1};
    identity_sender sender_ = identity_sender::open();
    const time_point now_{std::chrono::hours(500'000)};
};

TEST_F(identity_link, a_process_is_given_an_identity_and_each_that_follows) {
    const int descriptor = inherited();
    ASSERT_TRUE(sender_.send({"certificate", "key", "trust", now_}));
    identity_receiver r(descriptor, rt_);
    EXPECT_EQ(r.first().certificate, "certificate");
    EXPECT_EQ(r.first().private_key, "key");
    EXPECT_EQ(r.first().trust, "trust");
    EXPECT_EQ(r.first().not_after, now_);
    std::promise<std::string> next;
    r.follow([&next](const security::svid& s) { next.set_value(s.certificate); });
    ASSERT_TRUE(sender_.send({"another", "key", "trust", now_}));
    EXPECT_EQ(next.get_future().get(), "another");
    r.stop();
}

TEST_F(identity_link, without_a_supervisor_there_is_none) {
    EXPECT_EQ(refusal(-1), "NO_IDENTITY");
    const int descriptor = inherited();
    sender_ = identity_sender::open();  // the first one's supervisor has gone
    EXPECT_EQ(refusal(descriptor), "NO_IDENTITY");
}

}  // namespace
}  // namespace bv::stack
