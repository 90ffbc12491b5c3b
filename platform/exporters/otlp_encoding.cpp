#include "platform/exporters/otlp_encoding.hpp"

#include <algorithm>
#include <cstring>
#include <map>
#include <unordered_map>

#include <google/protobuf/arena.h>

#include "platform/exporters/otlp.pb.h"
#include "platform/telemetry/semconv.hpp"

namespace bv::exporters {

namespace {

namespace semconv = telemetry::semconv;
using telemetry::span_record;

constexpr int deepest = 64;  // spans between one and the service it belongs to

template <std::size_t N>
std::string bytes(const std::array<std::uint8_t, N>& id) {
    return {reinterpret_cast<const char*>(id.data()), N};
}

otlp::Span::Kind kind(telemetry::span_kind k) noexcept {
    switch (k) {
        case telemetry::span_kind::internal: return otlp::Span::INTERNAL;
        case telemetry::span_kind::server: return otlp::Span::SERVER;
        case telemetry::span_kind::client: return otlp::Span::CLIENT;
        case telemetry::span_kind::producer: return otlp::Span::PRODUCER;
        case telemetry::span_kind::consumer: return otlp::Span::CONSUMER;
    }
    return otlp::Span::UNSPECIFIED;
}

void put(otlp::KeyValue& out, std::string_view key, std::string_view value) {
    out.set_key(std::string(key));
    out.mutable_value()->set_string_value(std::string(value));
}

void write(const span_record& s, otlp::Span& out) {
    out.set_trace_id(bytes(s.trace));
    out.set_span_id(bytes(s.id));
    if (s.parent != telemetry::span_id{}) out.set_parent_span_id(bytes(s.parent));
    out.set_name(s.name);
    out.set_kind(kind(s.kind));
    const auto start = std::chrono::duration_cast<std::chrono::nanoseconds>(s.start.time_since_epoch());
    out.set_start_time_unix_nano(static_cast<std::uint64_t>(start.count()));
    out.set_end_time_unix_nano(static_cast<std::uint64_t>((start + s.duration).count()));
    for (const auto& a : s.attributes) {
        if (a.key == semconv::service_name) continue;  // of the resource
        if (const auto* text = std::get_if<std::string>(&a.value)) {
            put(*out.add_attributes(), a.key, *text);
        } else {
            auto& number = *out.add_attributes();
            number.set_key(a.key);
            number.mutable_value()->set_int_value(std::get<std::int64_t>(a.value));
        }
    }
    for (const auto& l : s.links) {
        auto& link = *out.add_links();
        link.set_trace_id(bytes(l.trace));
        link.set_span_id(bytes(l.span));
    }
    out.set_dropped_attributes_count(s.dropped);
    if (!s.failed) return;
    out.mutable_status()->set_code(otlp::Status::ERROR);
    out.mutable_status()->set_message(s.status_message);
}

struct id_hash {
    std::size_t operator()(const telemetry::span_id& id) const noexcept {
        std::size_t h = 0;
        std::memcpy(&h, id.data(), sizeof h);
        return h;
    }
};

}  // namespace

std::vector<owned_span> with_services(std::vector<telemetry::finished_span> spans, std::string_view unknown) {
    std::unordered_map<telemetry::span_id, const span_record*, id_hash> by_id;
    by_id.reserve(spans.size());
    for (const auto& s : spans) by_id.emplace(s->id, s.get());
    std::vector<owned_span> out;
    out.reserve(spans.size());
    for (const auto& s : spans) {
        std::string_view service;
        const span_record* at = s.get();
        for (int i = 0; i < deepest && at != nullptr && service.empty(); ++i) {
            service = at->text(semconv::service_name);
            const auto above = by_id.find(at->parent);
            at = above == by_id.end() ? nullptr : above->second;
        }
        out.push_back({s, std::string(service.empty() ? unknown : service)});
    }
    return out;
}

std::string encode_spans(std::span<const owned_span> spans, std::string_view instance) {
    google::protobuf::Arena arena;
    auto& request = *google::protobuf::Arena::CreateMessage<otlp::ExportTraceServiceRequest>(&arena);
    std::map<std::string_view, otlp::ScopeSpans*> by_service;
    for (const auto& [span, service] : spans) {
        auto*& into = by_service[service];
        if (into == nullptr) {
            auto& of_service = *request.add_resource_spans();
            auto& resource = *of_service.mutable_resource();
            put(*resource.add_attributes(), semconv::service_name, service);
            put(*resource.add_attributes(), semconv::service_instance_id, instance);
            into = of_service.add_scope_spans();
            into->mutable_scope()->set_name("bitvelocity");
        }
        write(*span, *into->add_spans());
    }
    return request.SerializeAsString();
}

std::size_t rejected_spans(std::string_view response) {
    otlp::ExportTraceServiceResponse r;
    if (!r.ParseFromArray(response.data(), static_cast<int>(response.size()))) return 0;
    return static_cast<std::size_t>(std::max<std::int64_t>(0, r.partial_success().rejected_spans()));
}

}  // namespace bv::exporters
