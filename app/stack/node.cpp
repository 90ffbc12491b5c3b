#include "app/stack/node.hpp"

#include <algorithm>
#include <charconv>

#include "app/forward.hpp"
#include "app/operations/load.hpp"
#include "app/operations/pages.hpp"
#include "app/stack/own_metrics.hpp"
#include "platform/rpc/grpc/health.hpp"
#include "platform/rpc/grpc/reflection.hpp"
#include "platform/rpc/http_dispatch.hpp"
#include "platform/telemetry/span_exporter.hpp"

namespace bv::stack {

namespace {

constexpr milliseconds drain_time{10'000};
constexpr std::size_t spans_kept = 20'000;
constexpr const char* edge_role = "gateway";  // that calls for users

http::server_options server_options(const config& c, std::uint16_t port, const gateway::edge& edge) {
    http::server_options o;
    o.streams = [&edge](const http::request& r) { return edge.stream_of(r); };
    o.stream_timeout = c.get<milliseconds>("http.stream_timeout");
    o.address = c.get<std::string>("http.address");
    o.port = port;
    o.port_is_held = true;
    o.max_body_bytes = c.get<std::size_t>("http.max_body");
    o.error_page = &gateway::edge::error_page;
    o.tls = tls_of(c);
    return o;
}

gateway::edge_options edge_options(const config& c) {
    gateway::edge_options o;
    o.request_timeout = c.get<milliseconds>("http.request_timeout");
    o.stream_timeout = c.get<milliseconds>("http.stream_timeout");
    o.user_requests_per_minute = c.get<std::uint32_t>("limits.user_per_minute");
    o.anonymous_requests_per_minute = c.get<std::uint32_t>("limits.anonymous_per_minute");
    o.program_requests_per_minute = c.get<std::uint32_t>("limits.program_per_minute");
    o.cors_origins = c.get<std::vector<std::string>>("http.cors_origins");
    o.access_log = c.get<bool>("http.access_log");
    o.max_message_bytes = c.get<std::size_t>("http.max_body");
    return o;
}

// What tools ask of gRPC servers: is it well, and what does it offer.
void add_grpc_tools(gateway::edge& edge, const std::vector<bv::module>& parts) {
    const auto names = [&edge] { return edge.grpc_services(); };
    const auto state = [&edge, &parts](std::string_view service) {
        const auto known = edge.grpc_services();
        if (!service.empty() && std::ranges::find(known, service) == known.end()) return rpc::grpc::serving::service_unknown;
        const bool ready = std::ranges::all_of(parts, [](const bv::module& m) { return !m.unready || m.unready().empty(); });
        return ready ? rpc::grpc::serving::yes : rpc::grpc::serving::no;
    };
    for (auto& method : rpc::grpc::reflection(names)) edge.add(std::move(method));
    for (auto& method : rpc::grpc::health(state, system_clock())) edge.add(std::move(method));
}

task<http::response> give_spans(operations::span_outlet* spans, http::request& request) {
    std::uint64_t after = 0;
    if (const auto query = rpc::parse_query(request.query()))
        for (const auto& [key, value] : *query)
            if (key == "after") std::from_chars(value.data(), value.data() + value.size(), after);
    telemetry::flush_spans();
    http::response out;
    out.content_type = "application/octet-stream";
    out.body = spans->after(after);
    co_return out;
}

}  // namespace

std::optional<http::tls_files> tls_of(const config& c) {
    http::tls_files files{c.get<std::string>("http.tls_certificate"), c.get<std::string>("http.tls_key")};
    if (files.certificate_chain.empty() && files.private_key.empty()) return std::nullopt;
    return files;
}

node::node(app::process p) : given_(std::move(p)) {}
node::~node() {
    if (spans_) telemetry::remove_span_exporter(spans_.get());
}

void node::start() {
    modules_ = std::make_unique<app::modules>(given_);
    observe_disk(given_.data);
    auto parts = modules_->lifecycle();
    given_.runtime.block_on(start_all(parts));
    started_ = std::move(parts);
    operations_ = std::make_unique<operations::service>(*modules_, started_);
}

std::vector<std::string> node::seed() { return given_.runtime.block_on(operations::seed(*modules_)); }

std::uint16_t node::listen_to_peers(const std::string& address, std::uint16_t port) {
    spans_ = std::make_shared<operations::span_outlet>(spans_kept);
    telemetry::add_span_exporter(spans_);
    peers_ = std::make_unique<rpc::peer_listener>(given_.identity.trust_domain, edge_role, given_.clock);
    modules_->mount(*peers_);
    peers_->add(operations_->served());
    peers_->add({"GET", operations::spans_path, [s = spans_.get()](http::request& r) { return give_spans(s, r); }});
    for (auto& r : operations::probes(*operations_)) peers_->add_open(std::move(r));
    http::server_options o;
    o.address = address;
    o.port = port;
    o.max_body_bytes = app::most_forwarded;
    o.peers = given_.identity.tls;
    o.error_page = &gateway::edge::error_page;
    o.streams = [p = peers_.get()](const http::request& r) { return p->stream_of(r); };
    peer_server_ = std::make_unique<http::server>(given_.runtime, o, peers_->handler());
    peer_server_->start();
    if (!modules_->holds("gateway")) operations_->watch(*peer_server_);
    return peer_server_->port();
}

void node::listen(std::uint16_t port) {
    const auto& c = given_.settings;
    edge_ = std::make_unique<gateway::edge>(edge_options(c), given_.clock, given_.rng, modules_->authenticator(), &*modules_->answers, modules_->shared());
    modules_->mount(*edge_);
    front_ = std::make_unique<operations::front>(*modules_, *operations_);
    edge_->add(front_->served());
    for (auto& route : operations::probes(*operations_)) edge_->add(std::move(route));
    for (auto& route : operations::pages(*modules_, *front_, c.get<std::string>("http.public_url").empty() ? "/" : given_.url)) edge_->add(std::move(route));
    add_grpc_tools(*edge_, started_);
    auto handler = edge_->handler();
    if (c.get<bool>("http.load_reports")) {
        load_ = std::make_unique<process_load>(given_.clock, given_.runtime.cores());
        edge_->add(rpc::grpc::load_reports([load = load_.get()] { return operations::report_of(*load); }, given_.clock));
        handler = operations::reporting(std::move(handler), *load_);
    }
    server_ = std::make_unique<http::server>(given_.runtime, server_options(c, port, *edge_), std::move(handler));
    server_->start();
    if (const auto files = tls_of(c)) note_certificate("http", end_of(*files));
    operations_->watch(*server_);
}

void node::drain() {
    if (server_) given_.runtime.block_on(server_->drain(drain_time));
    if (peer_server_) given_.runtime.block_on(peer_server_->drain(drain_time));
}

void node::stop() {
    if (!started_.empty()) given_.runtime.block_on(stop_all(started_));
}

void node::close() {
    if (modules_) given_.runtime.block_on(modules_->close());
}

}  // namespace bv::stack
