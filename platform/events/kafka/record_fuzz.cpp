// What anybody who may write to a topic can put into a record: lines "name=value" up to an empty one, and the payload.
#include <algorithm>

#include "platform/core/utf8.hpp"
#include "platform/events/kafka/record.hpp"
#include "platform/testing/fuzz.hpp"

namespace {

using namespace bv;
using namespace bv::events;

bool is_storable(std::string_view s) { return is_utf8(s) && !s.contains('\0'); }

kafka::headers take_headers(std::string_view& bytes) {
    kafka::headers out(rd_kafka_headers_new(8));
    while (!bytes.empty()) {
        const auto line = bytes.substr(0, bytes.find('\n'));
        bytes.remove_prefix(std::min(line.size() + 1, bytes.size()));
        if (line.empty()) break;
        const auto is = std::min(line.find('='), line.size());
        const auto value = line.substr(std::min(is + 1, line.size()));
        rd_kafka_header_add(out.get(), line.data(), static_cast<ssize_t>(is), value.data(), static_cast<ssize_t>(value.size()));
    }
    return out;
}

}  // namespace

BV_FUZZ(kafka_record) {
    const auto headers = take_headers(bytes);
    const auto e = kafka::decode(headers.get(), bytes);
    if (!e) {
        BV_ASSERT(e.error().reason == "UNDECODABLE" && !e.error().message.empty());
        return;
    }
    BV_ASSERT(e->position > 0 && !e->type.empty());
    if (e->type == kafka::marker_type) {
        const auto marker = kafka::headers_of_marker(e->source, e->position);
        const auto again = kafka::decode(marker.get(), {});
        BV_ASSERT(again && again->position == e->position && again->source == e->source && again->type == kafka::marker_type);
        return;
    }
    for (const auto& text : {e->type, e->source, e->key, e->actor, e->traceparent}) BV_ASSERT(is_storable(text));
    const auto same = kafka::headers_of(*e);
    const auto again = kafka::decode(same.get(), e->payload);
    BV_ASSERT(again && again->id == e->id && again->time == e->time && again->position == e->position);
    BV_ASSERT(again->type == e->type && again->source == e->source && again->key == e->key && again->actor == e->actor);
    BV_ASSERT(again->traceparent == e->traceparent && again->payload == bytes);
}
