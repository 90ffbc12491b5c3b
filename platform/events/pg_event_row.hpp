// An event as statements select it from an outbox or a table of dead letters.
#pragma once

#include <string>

#include "platform/events/event.hpp"
#include "platform/storage/postgres/database.hpp"

namespace bv::events {

// Of a row that begins with position, id, type, key, time, actor, traceparent, payload.
[[nodiscard]] event event_of(const pg::row&, const std::string& source);

}  // namespace bv::events
