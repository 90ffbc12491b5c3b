// An event as a Kafka record: CloudEvents 1.0 in binary content mode (Kafka Protocol Binding), so that any consumer reads the
// attributes as headers ("ce_type", "ce_id", …) and the payload as it is, behind the prefix of a schema registry when there is one
// (events/registry/wire_format.hpp).
//
// "ce_position" is its position in the producer's outbox. Within a partition the first records of all positions come in growing
// order; whatever a relay sends again comes later and is known by it.
//
// "ce_traceparent" is the event's own; where its trace is recorded, "traceparent" is the span of its sending, which every OpenTelemetry
// library goes on from. So do we: it is the traceparent of a decoded event.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include <librdkafka/rdkafka.h>

#include "platform/core/error.hpp"
#include "platform/events/event.hpp"
#include "platform/events/kafka/client.hpp"

namespace bv::events::kafka {

// Says that every event of the source up to its position, as far as it lies in this partition, was sent before.
inline constexpr std::string_view marker_type = "bitvelocity.events.Marker";
// What a record that is none of ours is handed on as: to the dead letters.
inline constexpr std::string_view undecodable_type = "bitvelocity.events.Undecodable";

using headers = std::unique_ptr<rd_kafka_headers_t, destroyer<rd_kafka_headers_destroy>>;

// What is handed to a producer. The views are copied, the headers taken over when it takes the record.
struct record {
    const std::string& topic;
    std::int32_t partition;
    std::string_view key{};      // empty: none
    std::string_view payload{};
    time_point time{};           // none: the time of sending
    void* opaque = nullptr;      // for its delivery report
};
[[nodiscard]] rd_kafka_resp_err_t produce(const client&, const record&, headers);

[[nodiscard]] headers headers_of(const event&);
void add_header(const headers&, const char* name, std::string_view value);
[[nodiscard]] headers headers_of_marker(std::string_view source, std::int64_t position);

// INVALID_ARGUMENT "UNDECODABLE" saying what is missing. A marker has that type. The payload is all of the value. What is decoded can be stored:
// its attributes are text as PostgreSQL takes it, so that an event which no handler takes can be set aside.
[[nodiscard]] result<event> decode(const rd_kafka_message_t&);
[[nodiscard]] result<event> decode(const rd_kafka_headers_t*, std::string_view payload);

// INVALID_ARGUMENT "UNDECODABLE" as decode() gives it.
[[nodiscard]] std::unexpected<error> undecodable(std::string_view what);

// Where an event belongs: by its key as Kafka's own clients do it (murmur2), or spread by its id when it has none.
[[nodiscard]] std::int32_t partition_of(std::string_view key, const uuid& id, std::int32_t partitions) noexcept;

}  // namespace bv::events::kafka
