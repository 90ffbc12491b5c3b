// interop_server [PORT [CERTIFICATE KEY]]: the test service of gRPC's interoperability tests on the platform's gRPC.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <limits>

#include "grpc/testing/test.bv.hpp"
#include "platform/core/error.hpp"
#include "platform/net/http/server.hpp"
#include "platform/rpc/grpc/load_report.hpp"
#include "platform/rpc/grpc/reflection.hpp"
#include "platform/rpc/grpc/services.hpp"
#include "platform/rpc/grpc/status.hpp"
#include "platform/rpc/grpc/typed_stream.hpp"
#include "platform/rpc/grpc/wire.hpp"
#include "platform/rpc/http_dispatch.hpp"
#include "platform/runtime/runtime.hpp"

namespace {

namespace rpc = bv::rpc;
namespace http = bv::http;
namespace pb = grpc::testing;
using bv::task;

constexpr std::size_t largest_message = 4 * 1024 * 1024;
constexpr std::string_view echo_initial = "x-grpc-test-echo-initial", echo_trailing = "x-grpc-test-echo-trailing-bin";

template <class Request>
bv::result<void> status_asked(const Request& r) {
    if (r.response_status().code() == 0) return {};
    return bv::fail(static_cast<bv::code>(r.response_status().code()), "", r.response_status().message());
}

pb::SimpleResponse answer_to(const pb::SimpleRequest& r) {
    pb::SimpleResponse out;
    out.mutable_payload()->set_body(std::string(static_cast<std::size_t>(std::max(0, r.response_size())), '\0'));
    return out;
}

class service final : public pb::test_service {
public:
    task<bv::result<pb::Empty>> empty_call(rpc::context&, pb::Empty) override { co_return pb::Empty{}; }
    task<bv::result<pb::SimpleResponse>> unary_call(rpc::context&, pb::SimpleRequest r) override {
        if (auto asked = status_asked(r); !asked) co_return std::unexpected(asked.error());
        co_return answer_to(r);
    }
    task<bv::result<pb::Empty>> unimplemented_call(rpc::context&, pb::Empty) override { co_return bv::fail(bv::code::unimplemented, "", "on purpose"); }
};

rpc::grpc::load_report report_of(const pb::TestOrcaReport& r) {
    rpc::grpc::load_report out{.cpu = r.cpu_utilization(), .memory = r.memory_utilization()};
    for (const auto& [name, value] : r.request_cost()) out.request_cost[name] = value;
    for (const auto& [name, value] : r.utilization()) out.utilization[name] = value;
    return out;
}

// What the stream of reports tells: the latest that a call asked for. One thread runs everything.
rpc::grpc::load_report& told() {
    static rpc::grpc::load_report now;
    return now;
}

using requests = rpc::message_stream<pb::StreamingOutputCallRequest>;
using answers = rpc::message_sink<pb::StreamingOutputCallResponse>;

// False: the client has gone.
task<bool> send_asked(const pb::StreamingOutputCallRequest& r, answers& to) {
    for (const auto& p : r.response_parameters()) {
        if (p.interval_us() > 0) co_await bv::system_clock().sleep_for(bv::microseconds(p.interval_us()));
        pb::StreamingOutputCallResponse one;
        one.mutable_payload()->set_body(std::string(static_cast<std::size_t>(std::max(0, p.size())), '\0'));
        if (!co_await to.write(one)) co_return false;
    }
    co_return true;
}

task<bv::result<void>> streaming_output(rpc::context&, pb::StreamingOutputCallRequest r, answers& to) {
    co_await send_asked(r, to);
    co_return status_asked(r);
}

task<bv::result<pb::StreamingInputCallResponse>> streaming_input(rpc::context&, rpc::message_stream<pb::StreamingInputCallRequest>& all) {
    pb::StreamingInputCallResponse out;
    while (true) {
        auto next = co_await all.next();
        if (!next) co_return std::unexpected(next.error());
        if (!*next) co_return out;
        if (!(*next)->message) co_return std::unexpected((*next)->message.error());
        out.set_aggregated_payload_size(out.aggregated_payload_size() + static_cast<int>((*next)->message->payload().body().size()));
    }
}

// at_end: answers wait for the last request.
task<bv::result<void>> duplex(requests& all, answers& to, bool at_end) {
    std::deque<pb::StreamingOutputCallRequest> waiting;
    while (true) {
        auto next = co_await all.next();
        if (!next) co_return std::unexpected(next.error());
        if (*next && !(*next)->message) co_return std::unexpected((*next)->message.error());
        if (*next) waiting.push_back(std::move(*(*next)->message));
        if (*next && at_end) continue;
        for (; !waiting.empty(); waiting.pop_front()) {
            if (auto asked = status_asked(waiting.front()); !asked) co_return asked;
            if (waiting.front().has_orca_oob_report()) told() = report_of(waiting.front().orca_oob_report());
            if (!co_await send_asked(waiting.front(), to)) co_return bv::result<void>{};
        }
        if (!*next) co_return bv::result<void>{};
    }
}

task<bv::result<void>> full_duplex(rpc::context&, requests& all, answers& to) { return duplex(all, to, false); }
task<bv::result<void>> half_duplex(rpc::context&, requests& all, answers& to) { return duplex(all, to, true); }

// A unary call as a stream of one: metadata travels there only.
task<bv::result<void>> unary_with_metadata(rpc::context&, rpc::grpc::incoming& in, rpc::grpc::outgoing& out) {
    auto bytes = co_await in.next();
    if (!bytes) co_return std::unexpected(bytes.error());
    pb::SimpleRequest request;
    if (!*bytes || !request.ParseFromString(**bytes)) co_return bv::fail(bv::code::invalid_argument, "", "one message is expected");
    if (auto asked = status_asked(request); !asked) co_return asked;
    co_await out.write(answer_to(request).SerializeAsString());
    co_return bv::result<void>{};
}

// Echoes metadata around a method.
rpc::grpc::streamed echoing(rpc::grpc::streamed inner) {
    return {std::move(inner.path), [run = std::move(inner.run)](rpc::context& ctx, rpc::grpc::incoming& in, rpc::grpc::outgoing& out) {
                if (const auto initial = in.metadata().find(echo_initial)) out.add_initial(echo_initial, *initial);
                if (const auto trailing = in.metadata().find(echo_trailing)) out.add_trailing(echo_trailing, *trailing);
                return run(ctx, in, out);
            }};
}

class tests {
public:
    tests() {
        unary_.add(pb::serve(service_));
        const auto add = [this](rpc::grpc::streamed m) { add_stream(echoing(std::move(m))); };
        add(rpc::grpc::serve_answers<pb::StreamingOutputCallRequest, pb::StreamingOutputCallResponse>(pb::streaming_output_call_method(), pb::streaming_output_call_parsed, streaming_output));
        add(rpc::grpc::serve_requests<pb::StreamingInputCallRequest, pb::StreamingInputCallResponse>(pb::streaming_input_call_method(), pb::streaming_input_call_parsed, streaming_input));
        add(rpc::grpc::serve_messages<pb::StreamingOutputCallRequest, pb::StreamingOutputCallResponse>(pb::full_duplex_call_method(), pb::full_duplex_call_parsed, full_duplex));
        add(rpc::grpc::serve_messages<pb::StreamingOutputCallRequest, pb::StreamingOutputCallResponse>(pb::half_duplex_call_method(), pb::half_duplex_call_parsed, half_duplex));
        add({"/grpc.testing.TestService/UnaryCall", unary_with_metadata});
        add_stream(rpc::grpc::load_reports([] { return told(); }, bv::system_clock()));
        for (auto& m : rpc::grpc::reflection([] { return std::vector<std::string>{"grpc.testing.TestService"}; })) add_stream(std::move(m));
    }

    const http::body_stream* stream_of(const http::request& r) {
        const bool plain = r.path() == "/grpc.testing.TestService/UnaryCall" && !r.headers.find(echo_initial);
        if (!rpc::grpc::is_call(r) || plain) return nullptr;
        const auto at = std::ranges::find(streams_, r.path(), [](const auto& s) { return std::string_view(s.first.path); });
        return at == streams_.end() ? nullptr : &at->second;
    }
    task<http::response> serve(http::request& r) {
        if (!rpc::grpc::is_call(r)) co_return http::response{.content_type = "text/plain", .body = "gRPC only\n"};
        const auto* called = unary_.find(r.path());
        if (called == nullptr) co_return rpc::grpc::refusal(rpc::grpc::no_such_method(r.path()));
        auto ctx = context_of(r);
        auto done = co_await rpc::grpc::call(*called, r, ctx, largest_message);
        auto out = rpc::grpc::render(std::move(done), ctx);
        add_report(r, out);
        co_return out;
    }

private:
    static void add_report(const http::request& r, http::response& to) {
        pb::SimpleRequest asked;
        if (r.path() != "/grpc.testing.TestService/UnaryCall" || r.body.size() < rpc::grpc::prefix || !asked.ParseFromString(r.body.substr(rpc::grpc::prefix))) return;
        if (asked.has_orca_per_query_report())
            to.trailers.add(rpc::grpc::load_trailer, rpc::grpc::encode_binary(rpc::grpc::encode(report_of(asked.orca_per_query_report()))));
    }
    static rpc::context context_of(const http::request& r) {
        return rpc::make_context(r, {.deadline = rpc::grpc::deadline_of(r, bv::system_clock().steady_now(), bv::steady_point::max())});
    }
    static task<http::response> begin(const rpc::grpc::streamed& m, http::request& r, http::body_reader& body) {
        co_return rpc::grpc::serve(m, r, body, context_of(r), largest_message, rpc::grpc::audience::peers);
    }
    void add_stream(rpc::grpc::streamed m) {
        auto& added = streams_.emplace_back(std::move(m), http::body_stream{});
        added.second = {.max_bytes = std::numeric_limits<std::uint64_t>::max(), .handle = [m = &added.first](http::request& r, http::body_reader& b) { return begin(*m, r, b); }, .unhurried = true};
    }

    service service_;
    rpc::grpc::services unary_;
    std::deque<std::pair<rpc::grpc::streamed, http::body_stream>> streams_;
};

http::response error_page(const http::request* r, int status, std::string_view detail) {
    if (r != nullptr && rpc::grpc::is_call(*r)) return rpc::grpc::refusal(status, detail);
    return {.status = status, .content_type = "text/plain", .body = std::string(detail) + '\n'};
}

}  // namespace

int main(int argc, char** argv) try {
    tests all;
    http::server_options o{.port = static_cast<std::uint16_t>(argc > 1 ? std::atoi(argv[1]) : 0)};
    if (argc > 3) o.tls = http::tls_files{argv[2], argv[3]};
    o.streams = [&all](const http::request& r) { return all.stream_of(r); };
    o.error_page = &error_page;
    bv::runtime runtime(1);
    http::server server(runtime, std::move(o), [&all](http::request& r) { return all.serve(r); });
    runtime.start();
    server.start();
    std::printf("%d\n", server.port());
    std::fflush(stdout);
    runtime.join();
} catch (const bv::failure& e) {
    std::fprintf(stderr, "%s\n", e.what());
    return 1;
}
