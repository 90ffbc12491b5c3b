#include "platform/telemetry/trace_json.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "platform/telemetry/json_text.hpp"
#include "platform/telemetry/semconv.hpp"

namespace bv::telemetry {

namespace {

void append_text(std::string& out, std::string_view key, std::string_view value) {
    append_json_key(out, key);
    append_json_string(out, value);
}

void append_integer(std::string& out, std::string_view key, std::int64_t value) {
    append_json_key(out, key);
    fmt::format_to(std::back_inserter(out), "{}", value);
}

void append_truth(std::string& out, std::string_view key, bool value) {
    append_json_key(out, key);
    out += value ? "true" : "false";
}

std::int64_t whole_microseconds(std::chrono::nanoseconds d) { return std::chrono::round<microseconds>(d).count(); }

// The members of a summary, without the braces.
void append_summary(std::string& out, const trace_summary& s) {
    append_text(out, "traceId", hex(s.id));
    append_text(out, "name", s.name);
    append_text(out, "service", s.service);
    append_text(out, "startTime", rfc3339(s.start));
    append_integer(out, "durationUs", whole_microseconds(s.duration));
    append_integer(out, "spanCount", static_cast<std::int64_t>(s.spans));
    append_integer(out, "droppedSpans", static_cast<std::int64_t>(s.dropped));
    append_truth(out, "error", s.failed);
    append_json_key(out, "services");
    out += '[';
    for (std::size_t i = 0; i < s.services.size(); ++i) {
        if (i > 0) out += ',';
        append_json_string(out, s.services[i]);
    }
    out += ']';
}

void append_details(std::string& out, const span_record& s) {
    append_json_key(out, "attributes");
    out += '{';
    for (const attribute& a : s.attributes) {
        append_json_key(out, a.key);
        if (const auto* text = std::get_if<std::string>(&a.value)) append_json_string(out, *text);
        else fmt::format_to(std::back_inserter(out), "{}", std::get<std::int64_t>(a.value));
    }
    out += '}';
    append_json_key(out, "links");
    out += '[';
    for (std::size_t i = 0; i < s.links.size(); ++i) {
        out += i > 0 ? ",{" : "{";
        append_text(out, "traceId", hex(s.links[i].trace));
        append_text(out, "spanId", hex(s.links[i].span));
        out += '}';
    }
    out += ']';
    append_integer(out, "dropped", s.dropped);
}

void append_span(std::string& out, const span_row& row, time_point trace_start) {
    const span_record& s = *row.span;
    out += '{';
    append_text(out, "spanId", hex(s.id));
    if (s.parent != span_id{}) append_text(out, "parentSpanId", hex(s.parent));
    append_integer(out, "depth", static_cast<std::int64_t>(row.depth));
    append_text(out, "name", s.name);
    append_text(out, "kind", name(s.kind));
    append_text(out, "service", row.service);
    append_text(out, "startTime", rfc3339(s.start));
    append_integer(out, "offsetUs", whole_microseconds(s.start - trace_start));
    append_integer(out, "durationUs", whole_microseconds(s.duration));
    append_truth(out, "error", s.failed);
    append_text(out, "statusMessage", s.status_message);
    append_details(out, s);
    out += '}';
}

}  // namespace

std::vector<span_row> waterfall(std::span<const finished_span> spans) {
    std::vector<const span_record*> sorted;
    for (const finished_span& s : spans) sorted.push_back(s.get());
    std::ranges::sort(sorted, {}, [](const span_record* s) { return std::pair(s->start, s->steady_start); });

    std::set<span_id> known;
    for (const span_record* s : sorted) known.insert(s->id);
    std::map<span_id, std::vector<const span_record*>> children;
    std::vector<span_row> pending;  // a stack: depth first without recursion, latest at the bottom
    for (const span_record* s : sorted) {
        if (s->parent != span_id{} && known.contains(s->parent) && s->parent != s->id) children[s->parent].push_back(s);
        else pending.push_back({s, 0, s->text(semconv::service_name)});
    }
    std::ranges::reverse(pending);

    std::vector<span_row> out;
    while (!pending.empty()) {
        const span_row row = pending.back();
        pending.pop_back();
        out.push_back(row);
        // Taken out, so that ids used twice by a hostile peer cannot make a loop.
        const auto below = children.extract(row.span->id);
        if (below.empty()) continue;
        for (auto child = below.mapped().rbegin(); child != below.mapped().rend(); ++child) {
            const std::string_view own = (*child)->text(semconv::service_name);
            pending.push_back({*child, row.depth + 1, own.empty() ? row.service : own});
        }
    }
    return out;
}

std::string traces_json(std::span<const trace_summary> traces) {
    std::string out = "{\"traces\":[";
    for (std::size_t i = 0; i < traces.size(); ++i) {
        out += i > 0 ? ",{" : "{";
        append_summary(out, traces[i]);
        out += '}';
    }
    return out += "]}";
}

std::string trace_json(const stored_trace& trace) {
    std::string out = "{";
    append_summary(out, trace.summary);
    append_json_key(out, "spans");
    out += '[';
    bool first = true;
    for (const span_row& row : waterfall(trace.spans)) {
        if (!first) out += ',';
        first = false;
        append_span(out, row, trace.summary.start);
    }
    return out += "]}";
}

}  // namespace bv::telemetry
