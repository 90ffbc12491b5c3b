// Deletes events that are old and that every group has passed.
//
// Groups are known from platform.event_groups, where each log registers its subscriptions for good: a group that runs
// in another process, or not at all, holds its events back. A group that is retired is deleted from that table by hand.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/any_io_executor.hpp>

#include "platform/core/clock.hpp"
#include "platform/events/log.hpp"
#include "platform/events/outbox_reader.hpp"
#include "platform/runtime/signal.hpp"
#include "platform/storage/lease.hpp"

namespace bv::events {

class retention {
public:
    // sources: of all that is read here, by whoever.
    retention(outbox_reader& reader, std::vector<subscription> all, std::vector<std::string> sources, std::chrono::hours keep,
              std::chrono::minutes every, asio::any_io_executor executor, clock& c, storage::lease_store* leases = nullptr);

    // Registers the groups, then prunes every so often until halt(): each source in one process of all, where there are leases.
    task<void> run();
    void halt() noexcept;
    // One round, in small batches; how many were deleted. Throws failure when the database is away.
    task<std::int64_t> once();

private:
    task<void> register_groups();
    task<std::int64_t> prune(std::string source);
    task<void> prune_quietly(std::string source);
    task<void> round();

    outbox_reader& reader_;
    const std::vector<subscription> all_;
    const std::vector<std::string> sources_;
    const std::chrono::hours keep_;
    const std::chrono::minutes every_;
    clock& clock_;
    storage::lease_store* const leases_;
    const std::shared_ptr<signal> halt_;
    std::atomic<bool> halted_{false};
};

}  // namespace bv::events
