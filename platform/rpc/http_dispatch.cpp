#include "platform/rpc/http_dispatch.hpp"

#include <algorithm>

#include "platform/rpc/json_reader.hpp"
#include "platform/rpc/problem.hpp"
#include "platform/telemetry/log.hpp"

namespace bv::rpc {
namespace {

constexpr std::size_t longest_key = 255;    // of an Idempotency-Key
constexpr std::size_t longest_tags = 1024;  // of an If-Match or If-None-Match
constexpr std::size_t usual_answer = 1024;  // bytes: grown to step by step, an answer costs six allocations

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
    return text;
}

bool equals_ignoring_case(std::string_view a, std::string_view b) {
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
    return std::ranges::equal(a, b, {}, lower, lower);
}

// One entity tag without its quotes and weakness; "*" and lists stay as they are.
std::string unquoted(std::string_view tags) {
    tags = trimmed(tags);
    std::string_view one = tags;
    if (one.starts_with("W/")) one.remove_prefix(2);
    const bool single = one.size() >= 2 && one.front() == '"' && one.find('"', 1) == one.size() - 1;
    return std::string(single ? one.substr(1, one.size() - 2) : tags);
}

// Whether If-None-Match names the tag (weak comparison, RFC 9110 section 13.1.2).
bool names(std::string_view tags, std::string_view etag) {
    if (tags.empty() || etag.empty()) return false;
    return tags == "*" || tags == etag || tags.find('"' + std::string(etag) + '"') != tags.npos;
}

result<void> check_content_type(const http::request& request) {
    const auto sent = request.headers.find("Content-Type");
    if (request.body.empty() || !sent) return {};
    const auto type = trimmed(sent->substr(0, sent->find(';')));
    if (equals_ignoring_case(type, "application/json")) return {};
    const auto plus = type.rfind('+');
    if (plus != type.npos && equals_ignoring_case(type.substr(plus), "+json")) return {};
    return fail(code::invalid_argument, "UNSUPPORTED_MEDIA_TYPE", "The body must be JSON: send it with Content-Type: application/json.");
}

bool is_printable(std::string_view text) {
    return std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; });
}

result<void> check_key(std::string_view key) {
    if (key.size() <= longest_key && is_printable(key)) return {};
    return invalid({{"Idempotency-Key", "must be at most 255 printable ASCII characters; a UUID is a good one"}});
}

result<void> check_tags(const http::request& request) {
    for (const char* name : {"If-Match", "If-None-Match"}) {
        const auto tags = request.headers.get(name);
        if (tags.size() > longest_tags || !is_printable(tags)) return invalid({{name, "must be an ETag as an answer had it: at most 1,024 printable ASCII characters"}});
    }
    return {};
}

// A change without a body would set the fields of its mask to nothing.
result<void> check_body(const http::request& request) {
    if (request.verb_text != "PATCH" || !trimmed(request.body).empty()) return {};
    return fail(code::invalid_argument, "BODY_REQUIRED", "A PATCH needs a body: a JSON object with the fields to change.");
}

// The call without what catches its exceptions.
task<result<void>> call(routed& r, const http::request& request, context& context, std::string& out) {
    if (auto type = check_content_type(request); !type) co_return std::unexpected(std::move(type.error()));
    if (auto conditions = check_conditions(request); !conditions) co_return std::unexpected(std::move(conditions.error()));
    if (auto body = check_body(request); !body) co_return std::unexpected(std::move(body.error()));
    auto query = parse_query(request.query());
    if (!query) co_return std::unexpected(std::move(query.error()));
    for (auto& parameter : *query) r.path.push_back(std::move(parameter));
    const rpc::route& route = r.route;
    co_return co_await route.method->call_json(route.service, context, route.binding, r.path, request.body, out);
}

http::response render(const http::request& request, context& context, std::string body) {
    http::response response;
    if (!context.etag.empty()) response.headers.add("ETag", '"' + context.etag + '"');
    const bool is_read = request.verb == http::verb::get || request.verb == http::verb::head;
    if (is_read && names(context.if_none_match, context.etag)) {
        response.status = 304;
        response.content_type.clear();
        return response;
    }
    response.body = std::move(body);
    return response;
}

void log_failure(const rpc::method& method, const error& e, const telemetry::span_context& trace) {
    telemetry::error("rpc.failed", {{"service", method.service}, {"method", method.name}, {"code", name(e.code)}, {"reason", e.reason}, {"error", e.message}},
                     trace);
}

}  // namespace

result<void> check_conditions(const http::request& request) {
    if (auto key = check_key(request.headers.get("Idempotency-Key")); !key) return key;
    return check_tags(request);
}

context make_context(const http::request& request, origin from) {
    context out;
    out.caller = std::move(from.caller);
    out.trace = from.trace;
    out.deadline = from.deadline;
    out.request_id = std::move(from.request_id);
    out.idempotency_key = request.headers.get("Idempotency-Key");
    out.if_match = unquoted(request.headers.get("If-Match"));
    out.if_none_match = unquoted(request.headers.get("If-None-Match"));
    out.remote_address = request.remote_address;
    return out;
}

result<parameters> parse_query(std::string_view query) {
    parameters out;
    while (!query.empty()) {
        const auto ampersand = query.find('&');
        const auto pair = query.substr(0, ampersand);
        const auto equals = pair.find('=');
        auto name = http::percent_decode(pair.substr(0, equals), true);
        auto value = http::percent_decode(equals == pair.npos ? std::string_view{} : pair.substr(equals + 1), true);
        if (!name || !value)
            return fail(code::invalid_argument, "MALFORMED_QUERY", "The query has a malformed percent escape: each '%' needs two hexadecimal digits.");
        // An answer names the parameter that it refuses.
        if (!json::valid_utf8(*name)) return fail(code::invalid_argument, "MALFORMED_QUERY", "The query has a parameter whose name is not valid UTF-8.");
        if (!pair.empty()) out.emplace_back(std::move(*name), std::move(*value));
        if (ampersand == query.npos) break;
        query.remove_prefix(ampersand + 1);
    }
    return out;
}

task<http::response> dispatch(routed r, http::request& request, origin from) {
    context context = make_context(request, std::move(from));
    error broken;
    try {
        std::string body;
        body.reserve(usual_answer);
        auto answered = co_await call(r, request, context, body);
        if (answered) co_return render(request, context, std::move(body));
        // Who names a time to come back refuses on purpose: a metric and the access log tell of it, and a line for each of
        // thousands would cost more than the refusals.
        if (problem_status(answered.error()) >= 500 && !answered.error().retry_after) log_failure(*r.route.method, answered.error(), context.trace);
        co_return problem_response(answered.error(), context.trace);
    } catch (...) {
        broken = current_error();
    }
    log_failure(*r.route.method, broken, context.trace);
    co_return problem_response(broken, context.trace);
}

http::response routing_problem(const router& routes, const http::request& request, const error& e, const telemetry::span_context& trace) {
    http::response response = problem_response(e, trace);
    if (response.status == 405) response.headers.add("Allow", routes.allowed(request.path()));
    return response;
}

task<http::response> dispatch(const router& routes, http::request& request, origin from) {
    auto found = routes.find(request.verb_text, request.path());
    if (!found) co_return routing_problem(routes, request, found.error(), from.trace);
    co_return co_await dispatch(std::move(*found), request, std::move(from));
}

}  // namespace bv::rpc
