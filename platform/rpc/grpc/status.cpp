#include "platform/rpc/grpc/status.hpp"

#include <charconv>

#include "platform/rpc/grpc/fields.hpp"
#include "platform/rpc/grpc/wire.hpp"

namespace bv::rpc::grpc {

namespace {

constexpr std::string_view error_info = "type.googleapis.com/google.rpc.ErrorInfo";
constexpr std::string_view bad_request = "type.googleapis.com/google.rpc.BadRequest";
constexpr std::string_view retry_info = "type.googleapis.com/google.rpc.RetryInfo";
constexpr std::string_view domain = "bitvelocity";
constexpr std::size_t most_of_message = 1'000, most_of_violations = 3'000;  // bytes: some clients take 8 KiB of fields in all

using writer = field_writer;

std::string any(std::string_view type, std::string_view value) {
    writer out;
    out.bytes(1, type);
    out.bytes(2, value);
    return out.take();
}

std::string info_of(const error& e) {
    writer out;
    out.bytes(1, e.reason);
    out.bytes(2, domain);
    return any(error_info, out.take());
}

std::string violations_of(const error& e) {
    writer out;
    for (const auto& v : e.violations) {
        writer one;
        one.bytes(1, v.field);
        one.bytes(2, v.description);
        out.bytes(1, one.take());
    }
    return any(bad_request, out.take());
}

std::string retry_of(std::chrono::milliseconds after) {
    writer duration;
    duration.number(1, static_cast<std::uint64_t>(after.count() / 1000));
    duration.number(2, static_cast<std::uint64_t>(after.count() % 1000 * 1'000'000));
    writer out;
    out.bytes(1, duration.take());
    return any(retry_info, out.take());
}

bool read_violations(std::string_view bytes, error& into) {
    return read_fields(bytes, [&](std::uint32_t field, std::uint64_t, const std::string& one) {
        if (field != 1) return true;
        auto& v = into.violations.emplace_back();
        return read_fields(one, [&](std::uint32_t n, std::uint64_t, std::string text) {
            if (n == 1) v.field = std::move(text);
            else if (n == 2) v.description = std::move(text);
            return true;
        });
    });
}

bool read_retry(std::string_view bytes, error& into) {
    return read_fields(bytes, [&](std::uint32_t field, std::uint64_t, const std::string& duration) {
        if (field != 1) return true;
        std::uint64_t whole = 0, nanos = 0;
        const bool read = read_fields(duration, [&](std::uint32_t n, std::uint64_t value, const std::string&) {
            (n == 1 ? whole : nanos) = value;
            return true;
        });
        constexpr std::uint64_t longest = 365 * 24 * 3600;
        if (read && whole < longest && nanos < 1'000'000'000) into.retry_after = std::chrono::milliseconds(whole * 1000 + nanos / 1'000'000);
        return read;
    });
}

bool read_detail(std::string_view bytes, error& into) {
    std::string type, value;
    const bool read = read_fields(bytes, [&](std::uint32_t field, std::uint64_t, std::string text) {
        if (field == 1) type = std::move(text);
        else if (field == 2) value = std::move(text);
        return true;
    });
    if (!read) return false;
    if (type == error_info)
        return read_fields(value, [&](std::uint32_t field, std::uint64_t, std::string text) {
            if (field == 1) into.reason = std::move(text);
            return true;
        });
    if (type == bad_request) return read_violations(value, into);
    if (type == retry_info) return read_retry(value, into);
    return true;
}

code known_code(std::uint64_t n) noexcept { return n <= 16 ? static_cast<code>(n) : code::unknown; }

// https://github.com/grpc/grpc/blob/master/doc/http-grpc-status-mapping.md
code of_http(int status) noexcept {
    switch (status) {
    case 400: return code::internal;
    case 401: return code::unauthenticated;
    case 403: return code::permission_denied;
    case 404: return code::unimplemented;
    case 429:
    case 502:
    case 503:
    case 504: return code::unavailable;
    default: return code::unknown;
    }
}

}  // namespace

std::string encode_status(const error& e) {
    writer out;
    out.number(1, static_cast<std::uint64_t>(e.code));
    out.bytes(2, e.message);
    if (!e.reason.empty()) out.bytes(3, info_of(e));
    if (!e.violations.empty()) out.bytes(3, violations_of(e));
    if (e.retry_after) out.bytes(3, retry_of(*e.retry_after));
    return out.take();
}

std::optional<error> decode_status(std::string_view bytes) {
    error out;
    out.code = code::ok;
    const bool read = read_fields(bytes, [&](std::uint32_t field, std::uint64_t number, std::string text) {
        if (field == 1) out.code = known_code(number);
        else if (field == 2) out.message = std::move(text);
        else if (field == 3) return read_detail(text, out);
        return true;
    });
    return read ? std::optional(std::move(out)) : std::nullopt;
}

http::fields ok_trailers() {
    http::fields out;
    out.add("grpc-status", "0");
    return out;
}

namespace {

// Never half of a character.
void cut(std::string& text, std::size_t most) {
    if (text.size() <= most) return;
    while (most > 0 && (static_cast<unsigned char>(text[most]) & 0xc0) == 0x80) --most;
    text.resize(most);
    text += "…";
}

// What clients take of header fields: with more the whole answer would be lost to them.
error shortened(error e) {
    cut(e.message, most_of_message);
    std::size_t bytes = 0, kept = 0;
    for (; kept < e.violations.size(); ++kept) {
        bytes += e.violations[kept].field.size() + e.violations[kept].description.size();
        if (kept > 0 && bytes > most_of_violations) break;
    }
    e.violations.resize(kept);
    return e;
}

}  // namespace

void add_status(http::fields& out, const error& whole) {
    const auto e = shortened(whole);
    out.add("grpc-status", std::to_string(static_cast<int>(e.code)));
    if (!e.message.empty()) out.add("grpc-message", encode_text(e.message));
    if (!e.reason.empty() || !e.violations.empty() || e.retry_after) out.add("grpc-status-details-bin", encode_binary(encode_status(e)));
}

http::response refusal(const error& e) {
    http::response out;
    out.content_type = content_type;
    add_status(out.headers, e);
    return out;
}

http::response refusal(int http_status, std::string_view detail) {
    switch (http_status) {
    case 408: return refusal({code::deadline_exceeded, "REQUEST_TOO_SLOW", std::string(detail), {}, {}});
    case 413: return refusal({code::resource_exhausted, "MESSAGE_TOO_LARGE", std::string(detail), {}, {}});
    case 414:
    case 431: return refusal({code::resource_exhausted, "METADATA_TOO_LARGE", std::string(detail), {}, {}});
    case 503: return refusal({code::unavailable, "TOO_MANY_CONNECTIONS", std::string(detail), {}, {}});
    default: return refusal({code::internal, "INTERNAL", std::string(detail), {}, {}});
    }
}

std::optional<error> status_of(const http::fields& fields, int http_status) {
    const auto text = fields.find("grpc-status");
    unsigned number = 0;
    if (!text || std::from_chars(text->data(), text->data() + text->size(), number).ec != std::errc{})
        return error{http_status == 200 ? code::internal : of_http(http_status), "NO_GRPC_STATUS", "the peer answered without a gRPC status (HTTP " + std::to_string(http_status) + ")"};
    if (number == 0) return std::nullopt;
    error out;
    if (const auto details = fields.find("grpc-status-details-bin"))
        if (const auto bytes = decode_binary(*details))
            if (auto decoded = decode_status(*bytes)) out = std::move(*decoded);
    out.code = known_code(number);
    out.message = decode_text(fields.get("grpc-message"));
    return out;
}

}  // namespace bv::rpc::grpc
