// Servers that a start brings along beside the database, when it is asked to: bv up --with kafka,rabbitmq,redis.
#pragma once

#include <span>
#include <string>

#include "platform/core/error.hpp"

namespace bv::stack {

struct extras {
    bool kafka = false;
    bool rabbitmq = false;
    bool redis = false;
    bool registry = false;
    bool vault = false;
    // What watches the platform. "observability" asks for all of them.
    bool jaeger = false;
    bool collector = false;
    bool prometheus = false;
    bool alertmanager = false;
    bool victoria_metrics = false;
    bool victoria_logs = false;
};

// Names, each perhaps a list: "kafka,redis". Error INVALID_ARGUMENT "UNKNOWN_EXTRA" that lists what there is.
[[nodiscard]] result<extras> parse_extras(std::span<const std::string> names);

}  // namespace bv::stack
