// Integration events: facts that other services may rely on. Their payloads are messages of contracts/proto.
// Attributes follow CloudEvents 1.0: id, source, type, subject (our key), time, and the traceparent extension.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "platform/core/clock.hpp"
#include "platform/core/uuid.hpp"
#include "platform/telemetry/trace.hpp"

namespace bv::events {

// An event as its producer hands it to the outbox.
struct outgoing {
    uuid id;                  // unique for ever; consumers deduplicate by it
    std::string type;         // full name of the payload's message: "bitvelocity.commerce.order.v1.OrderPlaced"
    std::string key;          // aggregate id: events of one key are delivered in order; empty: no order, never blocked
    std::string payload;      // the message, in Protobuf's binary format
    // Empty: the transaction's. A handler of a batch sets it to that of the event it answers, because one transaction
    // then serves many traces.
    std::string traceparent{};
};

// An event as a consumer gets it.
struct event {
    std::int64_t position = 0;  // in its source: grows, has gaps
    std::string source;         // the producing service: "order"
    uuid id;
    std::string type;
    std::string key;
    time_point time;
    std::string traceparent;    // of the transaction that produced it; may be empty
    std::string actor;          // on whose behalf
    std::string payload;

    // The last part of the type: "OrderPlaced".
    [[nodiscard]] std::string_view short_type() const noexcept {
        return std::string_view(type).substr(type.rfind('.') + 1);
    }
};

// The trace that an event belongs to: parent of a handler's spans for that event. Invalid when it was not traced.
[[nodiscard]] inline telemetry::span_context trace_of(const event& e) noexcept {
    return telemetry::span_context::parse(e.traceparent);
}

}  // namespace bv::events
