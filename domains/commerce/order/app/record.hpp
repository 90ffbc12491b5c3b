// Decisions become durable: stream events, outbox messages and saga steps in one unit of work.
#pragma once

#include <vector>

#include "domains/commerce/order/app/environment.hpp"

namespace bv::order {

// One decision about one order. Changes of the same order follow each other.
struct change {
    order before;
    order after;
    decision what;
    std::string actor;
    std::string traceparent;
};

[[nodiscard]] change make_change(order before, decision, instant at, std::string actor, std::string traceparent);

// A constant number of statements, however many changes. Throws failure ABORTED "ORDER_CHANGED" on a conflict.
task<void> record(const environment&, storage::unit_of_work&, std::vector<change>);

// The messages of the change for the outbox. An event that has no message of its own goes out in its stored form, so that
// the outbox tells of every change: the read models follow it.
[[nodiscard]] std::vector<bv::events::outgoing> outgoing_of(const change&, const bv::clock&, bv::rng&);

// Counts sagas that ended, by outcome, and how long they took. Call once the changes are committed, or, where that cannot
// be seen, last.
void count_outcomes(const std::vector<change>&);

}  // namespace bv::order
