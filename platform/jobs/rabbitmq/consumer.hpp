// Hears from RabbitMQ that jobs are due, and which messages ended all their consumers. Messages that are not acknowledged when the
// connection ends are delivered again.
#pragma once

#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "platform/core/uuid.hpp"
#include "platform/jobs/rabbitmq/link.hpp"

namespace bv::jobs::rabbitmq {

class consumer final : public link {
public:
    // A message in hand. Its tag means something on the connection that it came by only.
    struct token {
        std::uint64_t connection = 0, tag = 0;
    };
    struct announcement {
        uuid job;
        token message;
        bool dead = false;  // it came by the dead-letter exchange
        std::string traceparent{};
    };

    // arrived() is called on the link's thread when there is something to take.
    consumer(server, const topology&, std::string name, std::uint16_t prefetch, std::function<void()> arrived, clock&, rng&);

    // Up to `limit`. Thread-safe, as the others.
    [[nodiscard]] std::vector<announcement> take(std::size_t limit);
    // What was taken and could not be looked at: it is taken again, if its connection is still the same.
    void put_back(std::vector<announcement>);
    void acknowledge(const std::vector<token>&) noexcept;

private:
    void opened(connection&) override;
    void received(incoming) override;
    void work(connection&) override;
    void lost() noexcept override;

    const std::uint16_t prefetch_;
    const std::function<void()> arrived_;
    std::mutex mutex_;
    std::uint64_t number_ = 0;  // of the connection
    std::deque<announcement> heard_;
    std::vector<token> done_;
};

}  // namespace bv::jobs::rabbitmq
