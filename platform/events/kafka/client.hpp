// librdkafka's handles under RAII, and its queues under Asio. Everything of it that calls back is polled without blocking on
// the thread of one executor, woken through an eventfd; only logging comes on its own threads.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include <boost/asio/any_io_executor.hpp>
#include <librdkafka/rdkafka.h>

#include "platform/core/error.hpp"
#include "platform/core/task.hpp"
#include "platform/events/kafka/protection.hpp"
#include "platform/runtime/scope.hpp"
#include "platform/runtime/signal.hpp"

namespace bv::events::kafka {

template <auto Destroy>
struct destroyer {
    template <class T>
    void operator()(T* p) const noexcept { Destroy(p); }
};
// Destroying a handle blocks until its threads have ended: a second at most, for what it had in hand is dropped. Those of a consumer whose
// topic was made anew may not end at all with librdkafka 2.0 (group_consumer::leave).
using client = std::unique_ptr<rd_kafka_t, destroyer<rd_kafka_destroy>>;
using queue = std::unique_ptr<rd_kafka_queue_t, destroyer<rd_kafka_queue_destroy>>;
using partition_list = std::unique_ptr<rd_kafka_topic_partition_list_t, destroyer<rd_kafka_topic_partition_list_destroy>>;
using client_event = std::unique_ptr<rd_kafka_event_t, destroyer<rd_kafka_event_destroy>>;
using message = std::unique_ptr<rd_kafka_message_t, destroyer<rd_kafka_message_destroy>>;
using client_error = std::unique_ptr<rd_kafka_error_t, destroyer<rd_kafka_error_destroy>>;

// How all clients of a log reach the brokers.
struct connection {
    std::string brokers;    // "host:port,host:port"
    protection security{};
    properties more{};      // over all others
};

// The one place where clients are made: one of that connection with these properties besides. Throws failure INVALID_ARGUMENT:
// "KAFKA_CONFIGURATION" naming a property that librdkafka does not take, and what check(protection) says. set_up may put callbacks;
// opaque is what they get.
[[nodiscard]] client make_client(rd_kafka_type_t, const connection&, const properties&, void (*set_up)(rd_kafka_conf_t*) = nullptr, void* opaque = nullptr);

[[nodiscard]] failure unavailable(std::string_view doing, rd_kafka_resp_err_t);
[[nodiscard]] partition_list make_partitions(int room);

// Notifies a signal whenever a queue that was empty gets something.
class queue_watch {
public:
    // On the executor. Throws failure UNAVAILABLE when the system gives no eventfd.
    queue_watch(asio::any_io_executor, queue, std::shared_ptr<signal>);
    ~queue_watch();

    // Ends soon after stop().
    static task<void> run(std::shared_ptr<queue_watch>);
    // On the executor, and before the queue's client ends.
    void stop() noexcept;

private:
    struct impl;
    const std::unique_ptr<impl> impl_;
};

// One that runs, until the end of a block.
class watched {
public:
    watched(asio::any_io_executor e, scope& tasks, queue q, std::shared_ptr<signal> s);
    ~watched() { watch_->stop(); }
    watched(const watched&) = delete;
    watched& operator=(const watched&) = delete;

private:
    const std::shared_ptr<queue_watch> watch_;
};

}  // namespace bv::events::kafka
