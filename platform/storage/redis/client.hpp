// A client of one Redis server or of a Redis Cluster, for what the platform can do without: a server that is away costs its callers
// an error at once, not a wait.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/any_io_executor.hpp>

#include "platform/core/clock.hpp"
#include "platform/core/error.hpp"
#include "platform/core/task.hpp"
#include "platform/storage/redis/command.hpp"
#include "platform/storage/redis/options.hpp"
#include "platform/storage/redis/reply.hpp"

namespace bv::redis {

// Thread-safe: each thread has its own connections, on which the commands of all its callers travel in one pipeline. Lives no
// longer than the io_contexts that it is used on, each of which has one thread. Clock and rng outlive it.
//
// Errors: UNAVAILABLE "REDIS_AWAY" or "CIRCUIT_OPEN", DEADLINE_EXCEEDED "REDIS_SLOW", RESOURCE_EXHAUSTED "REDIS_BUSY", and for
// what the server refuses FAILED_PRECONDITION "REDIS_REFUSED" with its text. After the first two a command may have been carried out.
class client {
public:
    // Connects to nothing yet.
    client(options, clock&, rng&);
    ~client();

    // Learns who holds what, in the background, and keeps it up to date. Returns once it knows, or found nobody.
    task<void> start();
    // Refuses what is new and ends every connection. Once.
    task<void> stop();

    // One command and its reply, following the redirections of a cluster; a script with its text, where a server does not know it.
    task<result<reply>> call(command, steady_point deadline = steady_point::max());
    // All in one pipeline, each on the server of its key. One reply a command, in order.
    task<std::vector<result<reply>>> call_all(std::vector<command>, steady_point deadline = steady_point::max());
    // Sent like a call; nobody waits for the reply. Dropped where it cannot be sent.
    task<void> send(command);

    // Listens on a channel until stop(), with a connection of its own on the executor. subscribed: each time that it begins to
    // hear; what was published before may have been missed. Both are called on the executor.
    void subscribe(const asio::any_io_executor&, const std::string& channel, std::function<void(std::string_view)> heard, std::function<void()> subscribed);

    // Empty when every server answers; else for people: "away; slower".
    [[nodiscard]] std::string trouble() const;
    [[nodiscard]] bool is_cluster() const;

    struct impl;  // opaque

private:
    std::shared_ptr<impl> impl_;
};

}  // namespace bv::redis
