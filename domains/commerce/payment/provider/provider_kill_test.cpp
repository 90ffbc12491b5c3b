// The provider as a process of its own, killed in the middle of its work.
#include <csignal>
#include <filesystem>
#include <thread>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "domains/commerce/payment/provider/provider.hpp"
#include "platform/core/assert.hpp"
#include "platform/net/http/client.hpp"
#include "platform/runtime/loopback.hpp"
#include "platform/runtime/runtime.hpp"
#include "platform/runtime/scope.hpp"

namespace bv::payment_provider {
namespace {

// Forked while this process has no threads yet, since a lock that another one holds would never be free in the child; at work when it is told so.
class provider_process {
public:
    explicit provider_process(const options& o) {
        int ends[2];
        BV_ASSERT(::pipe2(ends, O_CLOEXEC) == 0);
        pid_ = ::fork();
        if (pid_ == 0) {
            ::close(ends[1]);
            char told = 0;
            ::_exit(::read(ends[0], &told, 1) == 1 ? run_provider(o) : 1);
        }
        ::close(ends[0]);
        tell_ = ends[1];
    }
    provider_process(const provider_process&) = delete;
    provider_process& operator=(const provider_process&) = delete;
    ~provider_process() { ::close(tell_); }

    void start() const { BV_ASSERT(::write(tell_, "!", 1) == 1); }
    // Its status, as waitpid gives it.
    int end(int how) const {
        int status = -1;
        ::kill(pid_, how);
        ::waitpid(pid_, &status, 0);
        return status;
    }

private:
    pid_t pid_ = -1;
    int tell_ = -1;
};

http::client_request authorise(std::string key) {
    http::client_request r{.verb = http::verb::post, .target = "/v1/authorisations",
                           .body = R"({"amount":{"currency":"GBP","minor_units":5},"payment_method":"card_ok","reference":"o"})"};
    r.headers.add("authorization", "Bearer key");
    r.headers.add("idempotency-key", key);
    return r;
}

task<bool> ready(http::client* c) {
    try {
        co_return (co_await c->send({.target = "/healthz"})).status == 200;
    } catch (const failure&) {
        co_return false;
    }
}

// Asks until the provider is gone; counts what it acknowledged.
task<void> keep_asking(http::client* c, int lane, std::vector<std::string>* acknowledged) {
    try {
        for (int i = 0;; ++i) {
            auto key = "k" + std::to_string(lane) + "-" + std::to_string(i);
            const auto answer = co_await c->send(authorise(key));
            if (answer.status == 200) acknowledged->push_back(std::move(key));
        }
    } catch (const failure&) {
        // It was killed.
    }
}

TEST(killed_provider, forgets_nothing_it_acknowledged_when_killed) {
    const auto folder = std::filesystem::temp_directory_path() / ("bv-provider-kill-" + std::to_string(::getpid()));
    const options o{.port = keep_loopback_port(0), .journal_file = folder / "journal", .api_key = "key"};
    const provider_process first(o), second(o);
    first.start();
    runtime machine(1);
    machine.start();
    http::client client({.port = o.port});
    const auto wait_ready = [&] {
        for (int i = 0; i < 2'000; ++i) {
            if (machine.block_on(ready(&client))) return true;
            std::this_thread::sleep_for(milliseconds(5));
        }
        return false;
    };
    ASSERT_TRUE(wait_ready());
    std::vector<std::string> acknowledged;
    scope lanes("test");
    for (int lane = 0; lane < 16; ++lane) lanes.spawn(machine.context(0).get_executor(), keep_asking(&client, lane, &acknowledged));
    std::this_thread::sleep_for(milliseconds(300));
    first.end(SIGKILL);
    machine.block_on(lanes.join());
    ASSERT_FALSE(acknowledged.empty());

    second.start();
    ASSERT_TRUE(wait_ready());
    std::size_t found = 0;
    for (const auto& key : acknowledged) {
        http::client_request r{.target = "/v1/operations/" + key};
        r.headers.add("authorization", "Bearer key");
        found += machine.block_on(client.send(std::move(r))).status == 200 ? 1 : 0;
    }
    EXPECT_EQ(found, acknowledged.size());
    const int status = second.end(SIGTERM);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace bv::payment_provider
