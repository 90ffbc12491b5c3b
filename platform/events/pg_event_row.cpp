#include "platform/events/pg_event_row.hpp"

namespace bv::events {

event event_of(const pg::row& row, const std::string& source) {
    event e;
    e.position = row.get<std::int64_t>(0);
    e.source = source;
    e.id = row.get<uuid>(1);
    e.type = row.get<std::string>(2);
    e.key = row.get<std::string>(3);
    e.time = row.get<time_point>(4);
    e.actor = row.get<std::string>(5);
    e.traceparent = row.get<std::string>(6);
    e.payload = row.get<pg::bytes>(7).data;
    return e;
}

}  // namespace bv::events
