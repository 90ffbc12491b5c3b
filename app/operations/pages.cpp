#include "app/operations/pages.hpp"

#include <algorithm>
#include <charconv>
#include <memory>

#include "app/operations/asyncapi_page.hpp"
#include "platform/core/assert.hpp"
#include "platform/net/http/static_files.hpp"
#include "platform/rpc/http_dispatch.hpp"
#include "platform/rpc/message_json.hpp"
#include "platform/rpc/problem.hpp"
#include "platform/telemetry/metrics.hpp"
#include "platform/telemetry/pages.hpp"
#include "platform/telemetry/span_pipeline.hpp"
#include "platform/telemetry/trace_json.hpp"
#include "platform/telemetry/trace_store.hpp"
#include "platform/telemetry/untraced.hpp"

namespace bv_contracts {
std::span<const bv::embedded_file> document_files();
}
namespace bv::gateway {
std::span<const bv::embedded_file> page_files();
}

namespace bv::operations {

namespace {

http::response text(int status, std::string content_type, std::string body) {
    http::response out;
    out.status = status;
    out.content_type = std::move(content_type);
    out.body = std::move(body);
    return out;
}

task<http::response> ready_now(http::response r) { co_return r; }

http::response not_found(const http::request& r) {
    return rpc::problem_response(error{code::not_found, "NO_SUCH_PATH", "there is no " + std::string(r.path())});
}

// A file of a set under a path that does not show its folder: "/pages/style.css" is "style.css".
rpc::raw_route file_route(std::string path, http::static_files files, std::string name) {
    return {"GET", std::move(path), [files = std::move(files), name = std::move(name)](http::request& r) { return ready_now(files.serve(r, name).value_or(not_found(r))); }};
}

rpc::raw_route folder_route(const std::string& folder, http::static_files files) {
    return {"GET", folder + "*", [files = std::move(files), cut = folder.size() - 1](http::request& r) {
                return ready_now(files.serve(r, r.path().substr(cut)).value_or(not_found(r)));
            }};
}

const embedded_file& document_named(std::string_view name) {
    const auto files = bv_contracts::document_files();
    const auto found = std::ranges::find(files, name, &embedded_file::name);
    BV_ASSERT(found != files.end());
    return *found;
}

// The document as it was generated, with the API's base URL in it.
std::string openapi_of(const std::string& server) {
    std::string out(document_named("openapi.json").text);
    constexpr std::string_view as_generated = R"("url": "/")";
    const auto at = out.find(as_generated, out.find(R"("servers")"));
    BV_ASSERT(at != out.npos);
    return out.replace(at, as_generated.size(), R"("url": ")" + server + '"');
}

// The file set looks at the text.
struct openapi_document {
    explicit openapi_document(const std::string& server) : text(openapi_of(server)) {}

    const std::string text;
    embedded_file file{"openapi.json", text};
    http::static_files files = http::static_files::embedded({&file, 1});
};

rpc::raw_route openapi_route(const std::string& server) {
    return {"GET", "/openapi.json", [document = std::make_shared<openapi_document>(server)](http::request& r) {
                return ready_now(document->files.serve(r, "/openapi.json").value_or(not_found(r)));
            }};
}

// Liveness says that the process answers at all; readiness that its modules do their work.
http::response readiness(const service& s) {
    std::string unready, degraded;
    for (const auto& m : s.status().modules())
        if (!m.reason().empty()) (m.ready() ? degraded : unready) += m.name() + ": " + m.reason() + "\n";
    if (unready.empty()) return text(200, "text/plain", "ready\n" + degraded);
    auto out = text(503, "text/plain", std::move(unready));
    out.headers.add("Retry-After", "1");
    return out;
}

task<http::response> list_traces(front* all, http::request& request) {
    const auto query = rpc::parse_query(request.query());
    if (!query) co_return rpc::problem_response(query.error());
    telemetry::trace_query wanted;
    for (const auto& [key, value] : *query) {
        std::int64_t number = 0;
        std::from_chars(value.data(), value.data() + value.size(), number);
        if (key == "page_size" && number > 0) wanted.limit = static_cast<std::size_t>(std::min<std::int64_t>(number, 500));
        if (key == "name") wanted.name = value;
        if (key == "service") wanted.service = value;
        if (key == "min_duration_ms") wanted.min_duration = milliseconds(number);
        if (key == "failed") wanted.failed_only = value == "true";
    }
    telemetry::flush_spans();
    co_await all->collect_traces();
    co_return text(200, "application/json", telemetry::traces_json(telemetry::recent_traces().recent(wanted)));
}

task<http::response> show_trace(front* all, http::request& request) {
    const auto path = request.path();
    const auto hex = path.substr(path.rfind('/') + 1);
    telemetry::trace_id id;
    telemetry::flush_spans();
    co_await all->collect_traces();
    if (telemetry::parse_hex(hex, id))
        if (const auto found = telemetry::recent_traces().find(id)) co_return text(200, "application/json", telemetry::trace_json(*found));
    co_return rpc::problem_response(error{code::not_found, "TRACE_NOT_FOUND",
                                       "no trace of that id is in memory; the last 500 are kept, failed and slow ones longer"});
}

// What the start page shows: no line of an order, no personal data.
task<http::response> overview(app::modules* modules, front* all) {
    auto context = rpc::context::for_service("operations", telemetry::untraced());
    bitvelocity::commerce::order::v1::ListOrdersRequest request;
    request.set_page_size(10);
    const auto orders = co_await modules->orders.contract().list_orders(context, request);
    std::string body = "{\"status\":" + rpc::to_json(co_await all->status()) + ",\"orders\":[";
    if (orders) {
        for (int i = 0; i < orders->orders_size(); ++i) body += (i ? "," : "") + rpc::to_json(orders->orders(i));
    }
    co_return text(200, "application/json", body + "]}");
}

}  // namespace

std::vector<rpc::raw_route> probes(const service& own) {
    std::vector<rpc::raw_route> out;
    out.push_back({"GET", "/livez", [](http::request&) { return ready_now(text(200, "text/plain", "alive\n")); }});
    for (const char* path : {"/readyz", "/healthz"})
        out.push_back({"GET", path, [s = &own](http::request&) { return ready_now(readiness(*s)); }});
    out.push_back({"GET", "/metrics", [](http::request&) { return ready_now(text(200, std::string(telemetry::exposition_content_type), telemetry::exposition())); },
                   "telemetry.read"});
    return out;
}

std::vector<rpc::raw_route> pages(app::modules& modules, front& all, const std::string& server) {
    const auto own = http::static_files::embedded(gateway::page_files());
    const auto traces = http::static_files::embedded(telemetry::page_files());
    std::vector<rpc::raw_route> out;
    out.push_back(file_route("/", own, "/index.html"));
    out.push_back(file_route("/docs", own, "/docs.html"));
    out.push_back(openapi_route(server));
    const auto& events = document_named("asyncapi.json");
    out.push_back(modules.of().registry_url.empty() ? file_route("/asyncapi.json", http::static_files::embedded({&events, 1}), "/asyncapi.json") : asyncapi_route(modules, events));
    out.push_back(folder_route("/pages/", own));
    out.push_back(folder_route("/traces/", traces));
    out.push_back({"GET", "/v1/traces", [a = &all](http::request& r) { return list_traces(a, r); }, "telemetry.read"});
    out.push_back({"GET", "/v1/traces/*", [a = &all](http::request& r) { return show_trace(a, r); }, "telemetry.read"});
    out.push_back({"GET", "/v1/platform/overview", [m = &modules, a = &all](http::request&) { return overview(m, a); }, "telemetry.read"});
    return out;
}

}  // namespace bv::operations
