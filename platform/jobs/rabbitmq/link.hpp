// A connection to RabbitMQ that is kept up, on a thread of its own: librabbitmq's calls block. What goes out is given to it by a
// wake-up; what comes in is handed to a derived class on that thread.
#pragma once

#include <atomic>
#include <mutex>
#include <string>
#include <thread>

#include "platform/jobs/rabbitmq/topology.hpp"

namespace bv::jobs::rabbitmq {

class link {
public:
    // All outlive it. Throws failure UNAVAILABLE when the system gives no eventfd.
    link(server, const topology&, std::string name, clock&, rng&);
    virtual ~link();
    link(const link&) = delete;
    link& operator=(const link&) = delete;

    void start();
    // Asks the thread to end: a connection that is up is closed in order.
    void halt() noexcept;
    // The same, and joins it. Blocks for a moment: where the server stands still, for the connect timeout.
    void stop() noexcept;

    // Empty once it is up; else for people. Thread-safe.
    [[nodiscard]] std::string trouble() const;

protected:
    // All on the link's thread, between opened() and lost(). What they throw ends the connection, and a new one is made after a pause.
    virtual void opened(connection&) = 0;
    virtual void received(incoming) = 0;
    // At each wake-up and a few times a second.
    virtual void work(connection&) = 0;
    virtual void lost() noexcept = 0;

    // Thread-safe: work() runs soon.
    void wake() noexcept;
    void set_trouble(std::string);
    [[nodiscard]] clock& time() const noexcept { return clock_; }
    [[nodiscard]] const topology& made() const noexcept { return topology_; }

private:
    void run() noexcept;
    void serve();
    void rest(milliseconds);
    [[nodiscard]] const address& next_address();

    const server server_;
    const topology& topology_;
    const std::string name_;
    clock& clock_;
    rng& rng_;
    int wake_ = -1;
    std::size_t tried_ = 0;
    std::atomic<bool> stopping_{false};
    mutable std::mutex mutex_;
    std::string trouble_ = "connecting";
    bool was_up_ = false;
    std::thread thread_;
};

}  // namespace bv::jobs::rabbitmq
