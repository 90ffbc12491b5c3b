#include "platform/telemetry/span_record.hpp"

#include <span>

namespace bv::telemetry {

namespace {

constexpr char digits[] = "0123456789abcdef";

std::string to_hex(std::span<const std::uint8_t> bytes) {
    std::string out(bytes.size() * 2, '0');
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        out[2 * i] = digits[bytes[i] >> 4];
        out[2 * i + 1] = digits[bytes[i] & 15];
    }
    return out;
}

// Trace Context allows lower case only (section 3.2.2).
int digit(char c) noexcept {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return -1;
}

bool from_hex(std::string_view text, std::span<std::uint8_t> out) noexcept {
    if (text.size() != out.size() * 2) return false;
    for (std::size_t i = 0; i < out.size(); ++i) {
        const int high = digit(text[2 * i]);
        const int low = digit(text[2 * i + 1]);
        if (high < 0 || low < 0) return false;
        out[i] = static_cast<std::uint8_t>(high * 16 + low);
    }
    return true;
}

std::size_t heap_bytes(const std::string& s) noexcept { return s.capacity() > 15 ? s.capacity() + 1 : 0; }

}  // namespace

std::string_view span_record::text(std::string_view key) const noexcept {
    for (const attribute& a : attributes) {
        if (a.key != key) continue;
        if (const auto* value = std::get_if<std::string>(&a.value)) return *value;
    }
    return {};
}

std::size_t span_record::bytes() const noexcept {
    constexpr std::size_t shared_pointer_and_its_counts = 32;
    std::size_t total = sizeof *this + shared_pointer_and_its_counts + heap_bytes(name) + heap_bytes(status_message);
    total += attributes.capacity() * sizeof(attribute) + links.capacity() * sizeof(span_link);
    for (const attribute& a : attributes) {
        total += heap_bytes(a.key);
        if (const auto* value = std::get_if<std::string>(&a.value)) total += heap_bytes(*value);
    }
    return total;
}

std::string_view name(span_kind kind) noexcept {
    switch (kind) {
        case span_kind::internal: return "internal";
        case span_kind::server: return "server";
        case span_kind::client: return "client";
        case span_kind::producer: return "producer";
        case span_kind::consumer: return "consumer";
    }
    return "internal";
}

std::string hex(const trace_id& id) { return to_hex(id); }
std::string hex(const span_id& id) { return to_hex(id); }
bool parse_hex(std::string_view text, trace_id& out) noexcept { return from_hex(text, out); }
bool parse_hex(std::string_view text, span_id& out) noexcept { return from_hex(text, out); }

}  // namespace bv::telemetry
