// The event log over Apache Kafka: one topic a source, in partitions by key, that every instance of a group shares.
//
//   outbox ── tailer ──► relay (one a source, under a lease) ──► topic ──► group_consumer ──► partition_feed ──► consumer_loop
//
// Effects are once, whatever the brokers, relays and members do: a consumer's position in each partition is stored with its
// effects and moves by compare-and-set, and is a position of the producer's outbox, by which everything that was sent twice is
// known. Kafka is trusted to keep what it acknowledged, and the order within a partition; with nothing else.
//
// Brokers that are away stop nothing but delivery: events wait in the outboxes.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "platform/core/clock.hpp"
#include "platform/events/kafka/client.hpp"
#include "platform/events/kafka/partition_feed.hpp"
#include "platform/events/platform_log.hpp"
#include "platform/events/registry/registrar.hpp"
#include "platform/events/tailer.hpp"
#include "platform/runtime/runtime.hpp"
#include "platform/storage/leased_job.hpp"
#include "platform/storage/postgres/database.hpp"

namespace bv::events::kafka {

struct kafka_log_options {
    connection brokers{};
    std::vector<std::string> relays{};         // the sources whose outboxes this process may relay
    std::string prefix = "bitvelocity.";       // of topics ("bitvelocity.orders") and groups
    std::int32_t partitions = 3;               // of each topic; all processes say the same
    std::int16_t replication = 1;              // of topics that are made
    milliseconds topic_retention = std::chrono::hours(7 * 24);  // of topics that are made
    milliseconds dead_letter_retention = std::chrono::hours(30 * 24);  // of those of dead letters
    std::optional<registry::registry_options> registry{};  // of the schemas; none: values are the messages alone
    std::map<std::string, std::string> services{};  // by source: whose spans those of its records are
    std::map<std::string, std::vector<std::string>> types{};  // by source: whose schemas must fit before anything of it is sent
    milliseconds session_timeout{10'000};      // a member that is silent for so long loses its partitions
    storage::lease_terms leases{};             // of the relays; the log names them
    tailer_options tail{};
    tail_limits ring{};
    feed_limits feed{};
    milliseconds progress_interval{500};       // between looks at how far all groups are
    std::chrono::hours retention{7 * 24};      // of outboxes; longer while a group has not passed them
    std::chrono::minutes retention_interval{10};
    milliseconds stop_grace{10'000};           // batches in hand get this long at stop(), then they are cancelled (rolled back)
};

class kafka_log final : public platform_log {
public:
    // reader: the database of the outboxes as the role bv_log. All outlive the log. Throws failure INVALID_ARGUMENT
    // "KAFKA_CONFIGURATION" for what no client can be made with.
    kafka_log(runtime&, pg::database& reader, kafka_log_options, clock& = system_clock(), rng& = system_rng());
    // stop() must have been awaited if start() was.
    ~kafka_log() override;

    // As embedded_log::subscribe.
    void subscribe(subscription) override;
    // Told from the outboxes: what each process sees is none of the brokers' business.
    void observe(observer) override;
    // Returns at once: brokers and a database that are away are waited for in the background.
    task<void> start() override;
    task<void> stop() override;
    [[nodiscard]] std::vector<subscription_status> status() const override;
    [[nodiscard]] std::optional<held_delivery> held() const override;
    void wake() noexcept override;
    [[nodiscard]] std::span<const subscription> subscriptions() const override;
    void look_again(const std::string& group) override;
    [[nodiscard]] dead_letters letters() override;
    [[nodiscard]] std::string trouble() const override;

private:
    struct impl;
    std::unique_ptr<impl> impl_;
};

}  // namespace bv::events::kafka
