#include "platform/events/registry/wire_format.hpp"

#include "platform/testing/fuzz.hpp"

BV_FUZZ(wire_format) {
    using namespace bv::events::registry;
    const auto read = unframe(bytes);
    if (!read || !is_framed(bytes)) return;
    // The payload is the end of the value; what is before it says the same when it is written again.
    BV_ASSERT(bytes.ends_with(read->payload));
    const auto written = frame_prefix(read->schema, read->message) + std::string(read->payload);
    const auto again = unframe(written);
    BV_ASSERT(again && again->schema == read->schema && again->message == read->message && again->payload == read->payload);
}
