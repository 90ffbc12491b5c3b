#include "platform/events/consumer_store.hpp"

#include <fmt/format.h>

namespace bv::events {

failure position_moved(const std::string& group, const std::string& source, place from) {
    return {code::aborted, std::string(consumer_store::position_moved),
            fmt::format("group {} of {} is no longer at position {} under fence {}: another instance moved it, or took it over", group, source, from.position,
                        from.fence)};
}

}  // namespace bv::events
