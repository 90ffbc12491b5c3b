// The event log inside the process: consumers tail the producers' outbox tables. No broker.
//
//   tailer ── one probe for all sources ──► source_tail (a ring per source) ──► consumer_loop (one per subscription)
//
// Several processes may run the same groups: the one that holds a group's lease works, and the next takes over when it ends, dies or
// stands still. Positions fence them, with leases and without.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include <boost/asio/any_io_executor.hpp>

#include "platform/core/clock.hpp"
#include "platform/events/log_storage.hpp"
#include "platform/events/platform_log.hpp"
#include "platform/events/source_tail.hpp"
#include "platform/events/tailer.hpp"
#include "platform/runtime/runtime.hpp"
#include "platform/storage/leased_job.hpp"
#include "platform/storage/postgres/database.hpp"

namespace bv::events {

struct embedded_log_options {
    tailer_options tail{};
    tail_limits ring{};
    std::chrono::hours retention{7 * 24};      // events are kept this long, and longer while a group has not passed them
    std::chrono::minutes retention_interval{10};
    milliseconds stop_grace{10'000};           // batches in hand get this long at stop(), then they are cancelled (rolled back)
    storage::lease_terms leases{};             // of every subscription that has a lease_store; the log names them
};

class embedded_log final : public platform_log {
public:
    // Over PostgreSQL. reader: the database of the outboxes as the role bv_log. All outlive the log.
    embedded_log(runtime&, pg::database& reader, embedded_log_options = {}, clock& = system_clock(), rng& = system_rng());
    // Over any storage. The loops are spread over the executors, each of which runs on one thread.
    embedded_log(std::vector<asio::any_io_executor> cores, std::unique_ptr<log_storage>, embedded_log_options, clock&, rng&);
    // stop() must have been awaited if start() was.
    ~embedded_log() override;

    // Throws failure INVALID_ARGUMENT for a subscription without handler, store, name, or twice the same group and source.
    void subscribe(subscription) override;
    // The same for an observer without both functions.
    void observe(observer) override;
    // Spawns the loops over the cores and returns; a database that is away is waited for in the background.
    task<void> start() override;
    task<void> stop() override;
    [[nodiscard]] std::vector<subscription_status> status() const override;
    [[nodiscard]] std::optional<held_delivery> held() const override;

    // For pg_outbox: an event was appended in this process. Thread-safe, also before start and after stop.
    void wake() noexcept override;
    [[nodiscard]] std::span<const subscription> subscriptions() const override;
    void look_again(const std::string& group) override;
    [[nodiscard]] dead_letters letters() override;
    // One round of retention over all sources; the log runs it by itself. How many events it deleted.
    task<std::int64_t> prune();

private:
    struct impl;
    std::unique_ptr<impl> impl_;
};

}  // namespace bv::events
