// What is under way: sagas, payment operations, events that a consumer has not passed yet. Private to verify.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "platform/core/uuid.hpp"
#include "platform/storage/postgres/database.hpp"

namespace bv::verify {

struct activity {
    std::int64_t sagas = 0;
    std::int64_t operations = 0;
    std::int64_t events = 0;  // not yet applied

    [[nodiscard]] bool none() const noexcept { return sagas + operations + events == 0; }
    [[nodiscard]] std::string str() const;  // "3 sagas, 1 payment operation, 12 events to be applied"
    friend bool operator==(const activity&, const activity&) = default;
};

// As of the transaction's snapshot.
task<activity> read_activity(pg::transaction&);
// The orders that something is still to happen to, in order.
task<std::vector<uuid>> orders_under_way(pg::transaction&);

// SQL: (source, consumer, type) of the events that move orders, as rows of VALUES. A consumer reads each source in one
// group, whatever its name.
[[nodiscard]] const std::string& consumed_types();
// SQL: a subquery of rows (consumer, source, position) for the commerce services; no row: never started.
[[nodiscard]] const std::string& positions();
// SQL: a query of (key, consumer, type, position, time, source), a row for each event that a consumer which wants it has
// not passed.
[[nodiscard]] const std::string& waiting_events();

}  // namespace bv::verify
