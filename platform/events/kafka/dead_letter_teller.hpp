// Tells dead letters to the topic of their source's dead letters, for programs that watch or archive them. What they are, and what becomes
// of them, stays in the consumer's store: its row, written with the position, is the outbox that this reads.
//
// A letter is told at least once; ce_id with dead_letter_group names it.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/any_io_executor.hpp>

#include "platform/core/clock.hpp"
#include "platform/events/kafka/client.hpp"
#include "platform/events/kafka/told_letters.hpp"
#include "platform/events/log.hpp"
#include "platform/events/registry/registrar.hpp"
#include "platform/runtime/scope.hpp"
#include "platform/runtime/signal.hpp"
#include "platform/storage/leased_job.hpp"

namespace bv::events::kafka {

// Of one subscription.
struct told_group {
    const subscription* of;
    std::string topic;                  // of the source
    std::string dead_topic;
    std::function<std::int64_t()> letters;  // unresolved ones, as far as this process knows
};

class dead_letter_teller {
public:
    // All outlive it; no registrar: values are as they were. The executor runs on one thread.
    dead_letter_teller(connection, std::vector<told_group>, storage::lease_store&, storage::lease_terms, registry::registrar*, asio::any_io_executor, clock&);
    ~dead_letter_teller();

    // Once the topics are there, until halt(), or it is cancelled. What is away is waited for.
    task<void> run();
    // Thread-safe.
    void halt() noexcept;
    // After run() has ended.
    task<void> stop() { co_await watching_.join(); }

private:
    struct sending;
    static void set_up(rd_kafka_conf_t*);
    task<void> look();
    task<bool> tell(const told_group&);
    task<void> send(const told_group&, const std::vector<untold_letter>&);
    task<std::string> value_of(const told_group&, const event&);

    const connection connection_;
    const std::vector<told_group> groups_;
    storage::lease_store& leases_;
    const storage::lease_terms terms_;
    registry::registrar* const schemas_;
    const asio::any_io_executor executor_;
    clock& clock_;
    const std::shared_ptr<signal> work_;
    scope watching_;
    std::unique_ptr<sending> sends_;  // from the first letter on
    std::vector<std::int64_t> seen_;  // of each group: letters when all were told last
    steady_point look_at_all_{};
    std::atomic<bool> halted_{false};
};

}  // namespace bv::events::kafka
