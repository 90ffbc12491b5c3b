// Tells RabbitMQ when jobs are due: messages without content, persistent, mandatory, each confirmed by the server or not told.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "platform/core/task.hpp"
#include "platform/jobs/rabbitmq/link.hpp"
#include "platform/runtime/waiter.hpp"

namespace bv::jobs::rabbitmq {

class publisher final : public link {
public:
    // look_every: at how many messages are ready.
    publisher(server, const topology&, std::string name, milliseconds look_every, clock&, rng&);

    // Sends them and waits for what the server says of each: true where it has it. One call at a time; while an alarm holds publishers
    // back it waits. Throws failure UNAVAILABLE "RABBITMQ_AWAY" when the connection is not up, or is lost: what it had sent is unknown.
    task<std::vector<bool>> publish(std::vector<message>);
    // Messages that are ready in the work queue, as of a moment ago; -1: not known. Thread-safe.
    [[nodiscard]] std::int64_t ready() const noexcept { return ready_; }
    // What the server says when it holds publishers back; empty: it does not. Thread-safe.
    [[nodiscard]] std::string held_back() const;

private:
    struct batch {
        std::vector<message> messages;
        std::shared_ptr<waiter> sender = waiter::make();
        std::vector<bool> taken{};
        bool sent = false, broken = false;
        steady_point sent_at{};                  // or when an alarm held it back last
        std::size_t open = 0;                    // not confirmed yet
        std::uint64_t first = 0;                 // number of its first publication
        std::vector<bool> answered{};
        std::set<std::string> unroutable{};
    };
    void opened(connection&) override;
    void received(incoming) override;
    void work(connection&) override;
    void lost() noexcept override;
    void on(const confirmed&);
    void on(const returned&);
    void on(const blocked&);
    void send(connection&, batch&);
    void answer(batch&, std::uint64_t tag, bool taken);
    void end(const std::shared_ptr<batch>&, bool broken) noexcept;

    const milliseconds look_every_;
    mutable std::mutex mutex_;
    std::shared_ptr<batch> in_hand_;
    std::string held_back_;
    bool up_ = false;
    // Of the link's thread.
    std::uint64_t published_ = 0;
    steady_point looked_at_{};
    std::atomic<std::int64_t> ready_{-1};
};

}  // namespace bv::jobs::rabbitmq
