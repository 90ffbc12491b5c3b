// The event log that a process's services share: the embedded one, or the one over Kafka.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "platform/events/platform_log.hpp"
#include "platform/storage/postgres/database.hpp"

namespace bv::app {

struct process;

// Of all contracts that are linked in: the types of events that each source publishes.
[[nodiscard]] std::map<std::string, std::vector<std::string>> published_types();

// log: the database as the role bv_log. What it refers to outlives the log.
[[nodiscard]] std::unique_ptr<events::platform_log> make_event_log(const process&, pg::database& log);

}  // namespace bv::app
