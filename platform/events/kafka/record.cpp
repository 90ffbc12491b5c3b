#include "platform/events/kafka/record.hpp"

#include <array>
#include <charconv>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "platform/core/utf8.hpp"

namespace bv::events::kafka {
namespace {

std::optional<std::string_view> find(const rd_kafka_headers_t* in, const char* name) {
    const void* value = nullptr;
    std::size_t size = 0;
    if (!in || rd_kafka_header_get_last(in, name, &value, &size) != RD_KAFKA_RESP_ERR_NO_ERROR || !value) return std::nullopt;
    return std::string_view(static_cast<const char*>(value), size);
}

bool is_text(std::string_view s) noexcept { return !s.contains('\0') && is_utf8(s); }

headers with_position(std::string_view source, std::string_view type, std::int64_t position) {
    headers out(rd_kafka_headers_new(10));
    add_header(out, "ce_specversion", "1.0");
    add_header(out, "ce_source", source);
    add_header(out, "ce_type", type);
    add_header(out, "ce_position", fmt::to_string(position));
    return out;
}

}  // namespace

void add_header(const headers& to, const char* name, std::string_view value) {
    rd_kafka_header_add(to.get(), name, -1, value.data(), static_cast<ssize_t>(value.size()));
}

std::unexpected<error> undecodable(std::string_view what) {
    return fail(code::invalid_argument, "UNDECODABLE", fmt::format("the record is no event of this platform: {}", what));
}

rd_kafka_resp_err_t produce(const client& to, const record& r, headers h) {
    std::array<rd_kafka_vu_t, 8> all{};
    std::size_t n = 0;
    const auto add_one = [&](rd_kafka_vtype_t type) -> rd_kafka_vu_t& {
        all[n].vtype = type;
        return all[n++];
    };
    add_one(RD_KAFKA_VTYPE_TOPIC).u.cstr = r.topic.c_str();
    add_one(RD_KAFKA_VTYPE_PARTITION).u.i32 = r.partition;
    add_one(RD_KAFKA_VTYPE_MSGFLAGS).u.i = RD_KAFKA_MSG_F_COPY;
    if (!r.key.empty()) add_one(RD_KAFKA_VTYPE_KEY).u.mem = {const_cast<char*>(r.key.data()), r.key.size()};
    if (!r.payload.empty()) add_one(RD_KAFKA_VTYPE_VALUE).u.mem = {const_cast<char*>(r.payload.data()), r.payload.size()};
    if (r.time != time_point{}) add_one(RD_KAFKA_VTYPE_TIMESTAMP).u.i64 = std::chrono::duration_cast<milliseconds>(r.time.time_since_epoch()).count();
    if (r.opaque) add_one(RD_KAFKA_VTYPE_OPAQUE).u.ptr = r.opaque;
    add_one(RD_KAFKA_VTYPE_HEADERS).u.headers = h.get();
    const client_error broken(rd_kafka_produceva(to.get(), all.data(), n));
    if (broken) return rd_kafka_error_code(broken.get());
    (void)h.release();  // librdkafka's now
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

headers headers_of(const event& e) {
    auto out = with_position(e.source, e.type, e.position);
    add_header(out, "ce_id", e.id.str());
    add_header(out, "ce_time", rfc3339(e.time));
    add_header(out, "content-type", "application/protobuf");
    if (!e.key.empty()) add_header(out, "ce_subject", e.key);
    if (!e.actor.empty()) add_header(out, "ce_actor", e.actor);
    if (!e.traceparent.empty()) add_header(out, "ce_traceparent", e.traceparent);
    return out;
}

headers headers_of_marker(std::string_view source, std::int64_t position) { return with_position(source, marker_type, position); }

result<event> decode(const rd_kafka_message_t& m) {
    rd_kafka_headers_t* in = nullptr;
    if (rd_kafka_message_headers(&m, &in) != RD_KAFKA_RESP_ERR_NO_ERROR) return undecodable("it has no headers");
    return decode(in, m.payload ? std::string_view(static_cast<const char*>(m.payload), m.len) : std::string_view{});
}

result<event> decode(const rd_kafka_headers_t* in, std::string_view payload) {
    event out;
    const auto position = find(in, "ce_position"), type = find(in, "ce_type"), source = find(in, "ce_source");
    if (!position || !type || !source || type->empty()) return undecodable("ce_position, ce_type or ce_source is missing");
    const auto* end = position->data() + position->size();
    if (const auto parsed = std::from_chars(position->data(), end, out.position); parsed.ec != std::errc{} || parsed.ptr != end || out.position <= 0)
        return undecodable("ce_position is no positive number");
    out.type = *type;
    out.source = *source;
    if (out.type == marker_type) return out;
    const auto id = uuid::parse(find(in, "ce_id").value_or(""));
    const auto time = parse_rfc3339(find(in, "ce_time").value_or(""));
    if (!id || !time) return undecodable("ce_id or ce_time is missing or wrong");
    out.id = *id;
    out.time = *time;
    out.key = find(in, "ce_subject").value_or("");
    out.actor = find(in, "ce_actor").value_or("");
    out.traceparent = find(in, "ce_traceparent").value_or("");
    if (const auto sent = telemetry::span_context::parse(find(in, "traceparent").value_or("")); sent.valid() && sent.trace_id == trace_of(out).trace_id)
        out.traceparent = sent.traceparent();
    const std::array<std::pair<const char*, const std::string*>, 5> texts{
        {{"ce_type", &out.type}, {"ce_source", &out.source}, {"ce_subject", &out.key}, {"ce_actor", &out.actor}, {"ce_traceparent", &out.traceparent}}};
    for (const auto& [name, text] : texts)
        if (!is_text(*text)) return undecodable(fmt::format("{} is no text", name));
    out.payload = payload;
    return out;
}

std::int32_t partition_of(std::string_view key, const uuid& id, std::int32_t partitions) noexcept {
    const auto of = key.empty() ? std::string_view(reinterpret_cast<const char*>(id.bytes.data()), id.bytes.size()) : key;
    return rd_kafka_msg_partitioner_murmur2(nullptr, of.data(), of.size(), partitions, nullptr, nullptr);
}

}  // namespace bv::events::kafka
