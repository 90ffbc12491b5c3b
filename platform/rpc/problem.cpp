#include "platform/rpc/problem.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "platform/rpc/json_writer.hpp"

namespace bv::rpc {
namespace {

constexpr std::array<std::pair<std::string_view, int>, 8> status_of_reason{{
    {"ETAG_MISMATCH", 412},
    {"IDEMPOTENCY_KEY_REUSED", 422},
    {"METHOD_NOT_ALLOWED", 405},
    {"NOT_ACCEPTABLE", 406},
    {"PAYLOAD_TOO_LARGE", 413},
    {"UNSUPPORTED_MEDIA_TYPE", 415},
    {"PRECONDITION_REQUIRED", 428},
    {"BAD_GATEWAY", 502},
}};

constexpr std::string_view hidden = "Something broke on our side. It is logged under the trace id; please quote it when you report this.";

constexpr std::string_view hidden_away = "A part of the platform is away for a moment. Nothing is lost; try again.";

constexpr std::string_view hidden_refusal = "The store did not take this: it does not fit, it clashes with what is there or with somebody else's change, or it took too long.";

bool is_hidden(code c) noexcept { return c == code::internal || c == code::unknown || c == code::data_loss; }

// What a store or a peer says of itself (hosts, paths, a driver's words) is for the log, not for clients.
bool is_infrastructure(std::string_view reason) noexcept {
    return reason.starts_with("DATABASE_") || reason == "COMMIT_UNKNOWN" || reason == "CONNECT_FAILED" || reason == "ANSWER_LOST";
}

// What a database says of a statement names statements, tables and constraints.
bool is_of_a_statement(std::string_view reason) noexcept {
    return reason.ends_with("_VIOLATION") || reason == "INVALID_VALUE" || reason == "SERIALIZATION_FAILURE" || reason == "DEADLOCK" ||
           reason == "LOCK_NOT_AVAILABLE" || reason == "STATEMENT_TIMEOUT" || reason == "RAISED";
}

// "OUT_OF_STOCK" → "out-of-stock".
std::string dashed(std::string_view reason) {
    std::string out(reason);
    std::ranges::transform(out, out.begin(), [](char c) { return c == '_' ? '-' : c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    return out;
}

// "OUT_OF_STOCK" → "Out of stock".
std::string title_of(std::string_view reason) {
    std::string out = dashed(reason);
    std::ranges::replace(out, '-', ' ');
    if (!out.empty() && out[0] >= 'a' && out[0] <= 'z') out[0] = static_cast<char>(out[0] - 'a' + 'A');
    return out;
}

struct problem {
    int status;
    std::string_view reason;  // empty: about:blank
    std::string_view detail;
    const std::vector<field_violation>* violations = nullptr;
};

void write_violations(json::writer& out, const std::vector<field_violation>& violations) {
    json::write_list(out, violations, [&](const field_violation& v) {
        json::object_writer object(out);
        object.key("\"field\":");
        out.string(v.field);
        object.key("\"description\":");
        out.string(v.description);
        object.close();
    });
}

http::response render(const problem& p, const telemetry::span_context& trace) {
    http::response response;
    response.status = p.status;
    response.content_type = "application/problem+json";
    response.headers.add("Cache-Control", "no-store");
    json::writer out(response.body);
    const auto text = [&](std::string_view value) { out.string(value); };
    json::object_writer object(out);
    object.key("\"type\":");
    text(p.reason.empty() ? "about:blank" : "urn:bitvelocity:problem:" + dashed(p.reason));
    object.key("\"title\":");
    text(p.reason.empty() ? std::string(http::reason_phrase(p.status)) : title_of(p.reason));
    object.key("\"status\":");
    out.value(p.status);
    object.key("\"detail\":");
    text(p.detail);
    if (!p.reason.empty()) {
        object.key("\"reason\":");
        text(p.reason);
    }
    if (p.violations != nullptr && !p.violations->empty()) {
        object.key("\"violations\":");
        write_violations(out, *p.violations);
    }
    if (trace.valid()) {
        object.key("\"trace_id\":");
        text(trace.trace_id_hex());
    }
    object.close();
    out.finish();
    return response;
}

}  // namespace

int problem_status(const error& e) noexcept {
    for (const auto& [reason, status] : status_of_reason)
        if (reason == e.reason) return status;
    return http_status(e.code);
}

error shown(const error& e) {
    error out = e;
    if (is_hidden(e.code)) {
        out.reason.clear();
        out.message = hidden;
    } else if (is_infrastructure(e.reason)) {
        out.message = hidden_away;
    } else if (is_of_a_statement(e.reason)) {
        out.message = hidden_refusal;
    }
    return out;
}

http::response problem_response(const error& broken, const telemetry::span_context& trace) {
    const error e = shown(broken);
    http::response response = render({.status = problem_status(e), .reason = e.reason, .detail = e.message, .violations = &e.violations}, trace);
    if (e.retry_after) {
        const auto whole_seconds = std::chrono::ceil<std::chrono::seconds>(*e.retry_after).count();
        response.headers.add("Retry-After", std::to_string(std::max<std::int64_t>(1, whole_seconds)));
    }
    if (response.status == 401) response.headers.add("WWW-Authenticate", "Bearer");
    return response;
}

http::response problem_response(int status, std::string_view detail, const telemetry::span_context& trace) {
    return render({.status = status, .reason = {}, .detail = detail}, trace);
}

}  // namespace bv::rpc
