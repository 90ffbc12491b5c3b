#include "platform/events/consumer_store.hpp"

#include <fmt/format.h>

namespace bv::events {

failure position_moved(const std::string& group, const std::string& source, std::int64_t from) {
    return {code::aborted, std::string(consumer_store::position_moved),
            fmt::format("group {} of {} is no longer at position {}: another instance moved it", group, source, from)};
}

}  // namespace bv::events
