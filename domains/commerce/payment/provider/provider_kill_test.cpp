// The provider as a process of its own, killed in the middle of its work.
#include <csignal>
#include <filesystem>
#include <thread>

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "domains/commerce/payment/provider/provider.hpp"
#include "platform/net/http/client.hpp"
#include "platform/runtime/runtime.hpp"
#include "platform/runtime/scope.hpp"

namespace bv::payment_provider {
namespace {

std::uint16_t free_port() {
    const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in a{};
    a.sin_family = AF_INET;
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof a;
    ::bind(fd, reinterpret_cast<sockaddr*>(&a), sizeof a);
    ::getsockname(fd, reinterpret_cast<sockaddr*>(&a), &size);
    ::close(fd);
    return ntohs(a.sin_port);
}

pid_t start(const options& o) {
    const pid_t child = ::fork();
    if (child == 0) ::_exit(run_provider(o));
    return child;
}

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

TEST(provider_process, forgets_nothing_it_acknowledged_when_killed) {
    const auto folder = std::filesystem::temp_directory_path() / ("bv-provider-kill-" + std::to_string(::getpid()));
    const options o{.port = free_port(), .journal_file = folder / "journal", .api_key = "key"};
    pid_t child = start(o);  // before this process has threads
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
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    machine.block_on(lanes.join());
    ASSERT_FALSE(acknowledged.empty());

    child = start(o);
    ASSERT_TRUE(wait_ready());
    std::size_t found = 0;
    for (const auto& key : acknowledged) {
        http::client_request r{.target = "/v1/operations/" + key};
        r.headers.add("authorization", "Bearer key");
        found += machine.block_on(client.send(std::move(r))).status == 200 ? 1 : 0;
    }
    EXPECT_EQ(found, acknowledged.size());
    ::kill(child, SIGTERM);
    int status = -1;
    ::waitpid(child, &status, 0);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace bv::payment_provider
