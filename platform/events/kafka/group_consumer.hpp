// One consumer group's member in this process: joins the group, takes over and gives up partitions as the group rebalances
// (cooperatively: what a member keeps goes on meanwhile), and feeds the group's subscriptions.
//
// Where a partition is begun is read from the consumer's own store and not from Kafka: nothing is committed there.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/any_io_executor.hpp>

#include "platform/core/clock.hpp"
#include "platform/events/kafka/client.hpp"
#include "platform/events/kafka/partition_feed.hpp"
#include "platform/events/registry/registrar.hpp"
#include "platform/runtime/scope.hpp"

namespace bv::events::kafka {

// A source that the group reads.
struct group_source {
    std::string topic;
    std::shared_ptr<partition_feed> feed;
    std::function<task<std::vector<partition_position>>()> stored;  // of all its partitions; throws while the store is away
};

class group_consumer {
public:
    // The executor runs on one thread. No registrar: what stands before a message is passed over.
    group_consumer(connection, std::string group, milliseconds session_timeout, std::vector<group_source>, registry::registrar*, asio::any_io_executor, clock&, rng&);
    ~group_consumer();

    // Joins and reads until halt(), then leaves the group. Only once the topics are there. Throws what make_client does.
    task<void> run();
    void halt() noexcept;
    // After run() has ended.
    task<void> stop() { co_await watching_.join(); }

private:
    using place = std::pair<std::string, std::int32_t>;  // topic, partition

    static void set_up(rd_kafka_conf_t*);
    void rebalance(rd_kafka_resp_err_t, rd_kafka_topic_partition_list_t*);
    void revoke(const rd_kafka_topic_partition_list_t*);
    task<void> once();
    task<void> adopt();
    bool poll();
    void take(const rd_kafka_message_t&);
    [[nodiscard]] result<event> read(const rd_kafka_message_t&, std::int32_t& unknown_schema) const;
    void wait_for_schema(const group_source&, std::int32_t partition, std::int64_t offset, std::int32_t schema);
    task<void> find_schemas();
    void resume();
    void pause_crowded();
    void set_paused(const group_source&, std::int32_t partition, bool);
    void read_from(const std::string& topic, std::int32_t partition, std::int64_t offset);
    [[nodiscard]] group_source* of(std::string_view topic);
    [[nodiscard]] task<void> leave();

    const connection connection_;
    const std::string group_;
    const milliseconds session_timeout_;
    std::vector<group_source> sources_;
    registry::registrar* const schemas_;
    const asio::any_io_executor executor_;
    clock& clock_;
    rng& rng_;
    const std::shared_ptr<signal> work_;
    scope watching_;
    partition_list pending_;  // given to us, and not begun yet
    struct reading {
        std::int64_t next = 0;     // offset
        std::int64_t sought = -1;  // a gap before this offset was tried again
    };
    std::map<place, reading> reading_;
    std::map<place, std::int32_t> wanted_;  // paused before a record whose schema is to be found first
    steady_point find_at_{};
    std::set<place> crowded_;  // have no room, and are not paused yet: nothing is polled meanwhile
    steady_point crowded_since_{};
    client client_;  // ends first: its end calls back
    std::atomic<bool> halted_{false};
};

}  // namespace bv::events::kafka
