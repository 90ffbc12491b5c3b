#include "platform/events/retention.hpp"

#include <optional>
#include <utility>

#include <boost/asio/this_coro.hpp>

#include "platform/core/error.hpp"
#include "platform/storage/rounds.hpp"
#include "platform/telemetry/log.hpp"
#include "platform/telemetry/metrics.hpp"

namespace bv::events {
namespace {

constexpr std::int32_t batch_rows = 1'000;
constexpr milliseconds retry_delay{1'000};  // until the groups are registered, and after a broken round

}  // namespace

retention::retention(outbox_reader& reader, std::vector<subscription> all, std::vector<std::string> sources, std::chrono::hours keep,
                     std::chrono::minutes every, asio::any_io_executor executor, clock& c, storage::lease_store* leases)
    : reader_(reader), all_(std::move(all)), sources_(std::move(sources)), keep_(keep), every_(every), clock_(c), leases_(leases), halt_(std::make_shared<signal>(std::move(executor), c)) {}

void retention::halt() noexcept {
    halted_ = true;
    halt_->notify();
}

task<void> retention::run() {
    while (!halted_) {
        std::optional<error> broken;
        try {
            co_await round();
        } catch (...) {
            broken = current_error();
        }
        const auto state = co_await asio::this_coro::cancellation_state;
        if (halted_ || state.cancelled() != asio::cancellation_type::none) break;
        if (broken)
            telemetry::warn("events.retention_failed", {{"code", name(broken->code)}, {"reason", broken->reason}, {"message", broken->message}});
        const auto until = clock_.steady_now() + (broken ? std::chrono::nanoseconds(retry_delay) : std::chrono::nanoseconds(every_));
        while (!halted_ && clock_.steady_now() < until) co_await halt_->wait_for(until - clock_.steady_now());
    }
}

task<void> retention::round() {
    if (leases_ == nullptr) {
        co_await once();
        co_return;
    }
    co_await register_groups();
    for (const auto& source : sources_)
        co_await storage::once_in(*leases_, "retention:" + source, every_, [this, source] { return prune_quietly(source); });
}

// Every round, so that no group is missing when rows are deleted.
task<void> retention::register_groups() {
    for (const auto& s : all_) co_await reader_.register_group(s.group, s.source, s.consumer);
}

task<void> retention::prune_quietly(std::string source) { co_await prune(std::move(source)); }

task<std::int64_t> retention::prune(std::string source) {
    std::int64_t total = 0;
    while (!halted_) {
        const auto deleted = co_await reader_.prune(source, clock_.now() - keep_, batch_rows);
        total += deleted;
        telemetry::count("bv_events_pruned_total", "Events deleted from the outboxes by retention", {{"source", source}}).add(static_cast<std::uint64_t>(deleted));
        if (deleted < batch_rows) break;
    }
    co_return total;
}

task<std::int64_t> retention::once() {
    co_await register_groups();
    std::int64_t total = 0;
    for (const auto& source : sources_) total += co_await prune(source);
    co_return total;
}

}  // namespace bv::events
