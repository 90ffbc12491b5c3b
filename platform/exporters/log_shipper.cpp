#include "platform/exporters/log_shipper.hpp"

#include "platform/telemetry/json_text.hpp"

namespace bv::exporters {

namespace {

delivery_options bulk(delivery_options o) {
    o.signal = "logs";
    o.content_type = "application/x-ndjson";
    // VictoriaLogs finds its time, message and stream in the fields that these name; others pass over them.
    o.headers.add("VL-Time-Field", "time");
    o.headers.add("VL-Msg-Field", "event");
    o.headers.add("VL-Stream-Fields", "service,instance");
    return o;
}

// The action's line, and the document up to where the log line's own fields begin.
std::string opening(const log_shipper_options& o) {
    std::string out = R"({"create":{)";
    telemetry::append_json_key(out, "_index");
    telemetry::append_json_string(out, o.index);
    out += "}}\n{";
    telemetry::append_json_key(out, "service");
    telemetry::append_json_string(out, o.service);
    telemetry::append_json_key(out, "instance");
    telemetry::append_json_string(out, o.instance);
    return out + ",";
}

}  // namespace

log_shipper::log_shipper(log_shipper_options o, clock& c, rng& r)
    : options_(std::move(o)), before_(opening(options_)), queue_(options_.queue),
      delivery_(bulk(options_.delivery), c, r, [this] { return pack(); }, [](const http::client_response& a) { return refused_lines(a.body); }) {}

void log_shipper::take(std::string_view line) {
    if (!queue_.push(std::string(line), line.size())) delivery_.drop(1, delivery::reason::queue_full);
}

parcel log_shipper::pack() {
    parcel out;
    for (const auto& line : queue_.take(options_.parcel)) {
        out.body += before_;
        out.body += std::string_view(line).substr(1);
        out.body += '\n';
        ++out.items;
    }
    return out;
}

std::size_t refused_lines(std::string_view answer) {
    if (answer.find(R"("errors":true)") == answer.npos) return 0;
    constexpr std::string_view key = R"("status":)";
    std::size_t refused = 0;
    for (auto at = answer.find(key); at != answer.npos; at = answer.find(key, at + key.size()))
        if (const auto digit = answer.substr(at + key.size(), 1); digit >= "3") ++refused;
    return refused;
}

}  // namespace bv::exporters
