#include "platform/telemetry/span_record.hpp"
#include "platform/telemetry/trace.hpp"

namespace bv::telemetry {

std::string span_context::trace_id_hex() const { return hex(trace_id); }

std::string span_context::traceparent() const {
    if (!valid()) return {};
    std::string out;
    out.reserve(55);
    out.append("00-").append(hex(trace_id)).append("-").append(hex(span_id)).append(sampled ? "-01" : "-00");
    return out;
}

span_context span_context::parse(std::string_view text) noexcept {
    constexpr std::size_t length = 55;  // version 00: 2 + 1 + 32 + 1 + 16 + 1 + 2
    if (text.size() < length || text[2] != '-' || text[35] != '-' || text[52] != '-') return {};
    const auto byte = [](std::string_view pair, int& out) noexcept {
        out = 0;
        for (const char c : pair) {
            const bool decimal = c >= '0' && c <= '9';
            if (!decimal && (c < 'a' || c > 'f')) return false;
            out = out * 16 + (decimal ? c - '0' : c - 'a' + 10);
        }
        return true;
    };
    int version = 0;
    int flags = 0;
    span_context out;
    if (!byte(text.substr(0, 2), version) || version == 0xff) return {};
    // A later version may append fields after another dash (section 3.2.4).
    if (text.size() > length && (version == 0 || text[length] != '-')) return {};
    if (!parse_hex(text.substr(3, 32), out.trace_id)) return {};
    if (!parse_hex(text.substr(36, 16), out.span_id) || out.span_id == telemetry::span_id{}) return {};
    if (!byte(text.substr(53, 2), flags)) return {};
    if (!out.valid()) return {};
    out.sampled = (flags & 1) != 0;
    return out;
}

}  // namespace bv::telemetry
