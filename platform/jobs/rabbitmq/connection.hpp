// One AMQP 0-9-1 connection with one channel, by librabbitmq. Every call may block, within bounds: on a thread of its own.
//
// Errors are failures: UNAVAILABLE "RABBITMQ_AWAY" when the connection is of no more use, FAILED_PRECONDITION "RABBITMQ_LOGIN_REFUSED",
// "RABBITMQ_TOPOLOGY" for what is declared otherwise than it is, INVALID_ARGUMENT "RABBITMQ_TLS".
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "platform/jobs/rabbitmq/options.hpp"

namespace bv::jobs::rabbitmq {

// x-arguments of a queue. Zero and empty: not given.
struct queue_arguments {
    std::int64_t delivery_limit = 0, most = 0, time_to_live_ms = 0;
    int replicas = 0;
    std::string dead_letter_exchange{}, dead_letter_key{};
};

struct message {
    std::string exchange, key;
    std::string id, type, traceparent;
};

// What the server sends by itself.
struct delivered {
    std::uint64_t tag = 0;
    std::string consumer, id;
    std::string traceparent{};
    std::string reason{};  // why it is a dead letter, if it is one: "delivery_limit"
};
struct confirmed {
    std::uint64_t tag = 0;
    bool many = false;   // and all before it
    bool taken = true;   // false: refused, as by a queue that is full
};
struct returned {        // no queue is bound to its key; its confirmation follows
    std::string id, key;
};
struct blocked {         // an alarm: the server reads from no publisher until it is over
    std::string reason;  // empty: it is over
};
struct cancelled {       // the consumer's queue is gone
    std::string consumer;
};
using incoming = std::variant<delivered, confirmed, returned, blocked, cancelled>;

class connection {
public:
    // Connects, logs in and opens the channel. `name` is what the server shows for it.
    connection(const server&, const address&, std::string_view name);
    ~connection();

    void declare_exchange(const std::string& name);                        // direct, durable
    void declare_queue(const std::string& name, const queue_arguments&);   // a quorum queue
    void bind(const std::string& queue, const std::string& exchange, const std::string& key);
    // Messages that are ready in a queue.
    [[nodiscard]] std::int64_t ready_in(const std::string& queue);

    void select_confirms();
    // Persistent and mandatory. Its confirmation has the number of the publication, the first being 1.
    void publish(const message&);
    void consume(const std::string& queue, const std::string& consumer, std::uint16_t prefetch);
    void acknowledge(std::uint64_t tag);

    // What has come; nullopt: nothing more, for now. Also sends heartbeats, so it is to be called twice in each.
    [[nodiscard]] std::optional<incoming> next();
    // Blocks until something may have come, the descriptor is readable, or the time is over.
    void wait(int descriptor, milliseconds);
    void close() noexcept;

private:
    struct impl;
    std::unique_ptr<impl> impl_;
};

}  // namespace bv::jobs::rabbitmq
