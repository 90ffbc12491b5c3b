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
};

// Names, each perhaps a list: "kafka,redis". Error INVALID_ARGUMENT "UNKNOWN_EXTRA" that lists what there is.
[[nodiscard]] result<extras> parse_extras(std::span<const std::string> names);

}  // namespace bv::stack
