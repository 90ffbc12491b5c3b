// The AsyncAPI document of the platform that serves it: as it was generated, and with a schema registry, where the schema of each event is.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "app/modules.hpp"
#include "platform/core/embed.hpp"
#include "platform/events/registry/registry_client.hpp"
#include "platform/rpc/raw_route.hpp"

namespace bv::operations {

// The subjects in a schema registry of the document's events, whose topics begin with the prefix.
[[nodiscard]] std::vector<std::string> subjects_of(std::string_view document, std::string_view prefix);

// The document with each topic's name, and in the Kafka binding of each message what stands before its value: the schema's id as
// Confluent's format has it, its subject, and the newest id that is known of it.
[[nodiscard]] std::string with_schemas(std::string_view document, std::string_view prefix, const std::map<std::string, events::registry::registered>& by_subject);

// GET /asyncapi.json of a platform with a schema registry. All outlive the route.
[[nodiscard]] rpc::raw_route asyncapi_route(app::modules&, const embedded_file& document);

}  // namespace bv::operations
