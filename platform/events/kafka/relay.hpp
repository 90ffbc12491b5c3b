// Sends the events of one source from its outbox to its topic: in the order of their positions, by the same commit-safe horizon
// that the embedded log goes by, with the idempotent producer.
//
// What is sent and not noted when the process dies is sent again, and consumers pass it over by its position (partition_feed.hpp);
// so they do with what a relay sends late that stood still and was replaced. Positions are noted when the brokers have
// acknowledged everything up to there.
//
// A relay that was set back (relay_store::rewind) begins anew: it asks before it sends after a rest, and often while something is not
// acknowledged.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/any_io_executor.hpp>

#include "platform/core/clock.hpp"
#include "platform/events/kafka/client.hpp"
#include "platform/events/kafka/relay_store.hpp"
#include "platform/events/outbox_reader.hpp"
#include "platform/events/registry/registrar.hpp"
#include "platform/events/source_tail.hpp"
#include "platform/runtime/scope.hpp"
#include "platform/runtime/signal.hpp"
#include "platform/telemetry/trace.hpp"

namespace bv::events::kafka {

struct relay_options {
    std::string source, topic;
    std::int32_t partitions = 1;
    std::string service{};               // whose spans those of its records are; empty: that of the trace so far
    std::vector<std::string> types{};    // whose schemas must fit before anything is sent; others are registered when they come
    std::size_t most_in_flight = 8'192;  // events sent and not acknowledged
    milliseconds note_every{200};        // the position, of which so much is sent again after a crash; and asks whether it was set back
    milliseconds mark_every{50};         // partitions that have had nothing new are told how far the others are
    milliseconds stop_grace{3'000};      // for what is in flight at halt()
};

class relay {
public:
    // All outlive it; no registrar: values are the messages alone. The executor runs on one thread.
    relay(connection, relay_options, std::shared_ptr<source_tail>, outbox_reader&, relay_store&, registry::registrar*, asio::any_io_executor, clock&);
    ~relay();

    // While its process is the one that relays the source, under this fence: until halt(), or it is cancelled. Throws failure
    // ABORTED when another relay has taken over, UNAVAILABLE when the database is away.
    task<void> run(std::int64_t fence);
    // Thread-safe.
    void halt() noexcept;
    // After run() has ended.
    task<void> stop() { co_await watching_.join(); }

private:
    struct session;
    static void set_up(rd_kafka_conf_t*);
    task<void> work(session&);
    task<bool> is_cleared(session&);
    task<const std::string*> prefix_of(session&, const std::string& type);
    task<bool> send_next(session&);
    bool send(session&, const event&, const std::string& prefix);
    [[nodiscard]] telemetry::span span_of(const event&, std::int32_t partition) const;
    bool send_markers(session&);
    void acknowledged(session&);
    task<void> note(session&);
    [[nodiscard]] std::chrono::nanoseconds rest_of(const session&) const;

    const connection connection_;
    const relay_options options_;
    const std::shared_ptr<source_tail> tail_;
    outbox_reader& reader_;
    relay_store& store_;
    registry::registrar* const schemas_;
    const asio::any_io_executor executor_;
    clock& clock_;
    const std::shared_ptr<signal> work_;
    scope watching_;
    std::atomic<bool> halted_{false};
};

}  // namespace bv::events::kafka
