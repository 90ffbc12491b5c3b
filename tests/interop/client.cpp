// interop_client PORT CASE: the cases of gRPC's interoperability tests by the platform's client, against a server on this machine.
// https://github.com/grpc/grpc/blob/master/doc/interop-test-descriptions.md
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string_view>

#include "grpc/testing/test.bv.hpp"
#include "platform/core/error.hpp"
#include "platform/rpc/grpc/channel.hpp"
#include "platform/rpc/grpc/load_report.hpp"
#include "platform/rpc/grpc/wire.hpp"
#include "platform/runtime/runtime.hpp"

namespace {

namespace rpc = bv::rpc;
namespace pb = grpc::testing;
using bv::task;

constexpr int request_sizes[] = {27182, 8, 1828, 45904}, answer_sizes[] = {31415, 9, 2653, 58979};
constexpr std::string_view status_message = "test status message", special_message = "\t\ntest with whitespace\r\nand Unicode BMP \u263a and non-BMP \U0001f608\t\n";
const std::string trailing_value("\xab\xab\xab");

void check(bool good, std::string_view what) {
    if (!good) throw bv::failure(bv::code::internal, "CASE_FAILED", std::string(what));
}

rpc::context within(bv::milliseconds time = bv::seconds(20)) {
    rpc::context out;
    out.deadline = bv::system_clock().steady_now() + time;
    return out;
}

std::string zeros(int n) { return std::string(static_cast<std::size_t>(n), '\0'); }

pb::StreamingOutputCallRequest asking(int request, std::initializer_list<int> sizes) {
    pb::StreamingOutputCallRequest out;
    out.mutable_payload()->set_body(zeros(request));
    for (const int s : sizes) out.add_response_parameters()->set_size(s);
    return out;
}

task<void> empty_unary(rpc::channel& c) {
    auto ctx = within();
    pb::test_service_remote remote(c);
    check((co_await remote.empty_call(ctx, {})).has_value(), "an empty answer");
}

task<void> large_unary(rpc::channel& c) {
    auto ctx = within();
    pb::test_service_remote remote(c);
    pb::SimpleRequest request;
    request.set_response_size(314159);
    request.mutable_payload()->set_body(zeros(271828));
    const auto answer = co_await remote.unary_call(ctx, request);
    check(answer && answer->payload().body() == zeros(314159), "314159 zeros");
}

task<void> client_streaming(rpc::channel& c) {
    auto ctx = within();
    auto call = co_await pb::open_streaming_input_call(c, ctx);
    for (const int size : request_sizes) {
        pb::StreamingInputCallRequest one;
        one.mutable_payload()->set_body(zeros(size));
        check(co_await call.write(one), "the server takes it");
    }
    const auto answer = co_await call.answer();
    check(answer && answer->aggregated_payload_size() == 74922, "74922 bytes");
}

task<void> server_streaming(rpc::channel& c) {
    auto ctx = within();
    auto call = co_await pb::open_streaming_output_call(c, ctx);
    check(co_await call.write(asking(0, {31415, 9, 2653, 58979})), "the server takes it");
    call.finish_writing();
    for (const int size : answer_sizes) {
        const auto one = co_await call.next();
        check(one && *one && (*one)->payload().body().size() == static_cast<std::size_t>(size), "an answer of the size asked for");
    }
    const auto end = co_await call.next();
    check(end && !*end, "the end");
}

task<void> ping_pong(rpc::channel& c) {
    auto ctx = within();
    auto call = co_await pb::open_full_duplex_call(c, ctx);
    for (int i = 0; i < 4; ++i) {
        check(co_await call.write(asking(request_sizes[i], {answer_sizes[i]})), "the server takes it");
        const auto one = co_await call.next();
        check(one && *one && (*one)->payload().body().size() == static_cast<std::size_t>(answer_sizes[i]), "an answer of the size asked for");
    }
    call.finish_writing();
    const auto end = co_await call.next();
    check(end && !*end, "the end");
}

task<void> empty_stream(rpc::channel& c) {
    auto ctx = within();
    auto call = co_await pb::open_full_duplex_call(c, ctx);
    call.finish_writing();
    const auto end = co_await call.next();
    check(end && !*end, "the end");
}

task<void> timeout_on_sleeping_server(rpc::channel& c) {
    auto ctx = within(bv::milliseconds(1));
    bv::code got = bv::code::ok;
    try {
        auto call = co_await pb::open_full_duplex_call(c, ctx);
        co_await call.write(asking(27182, {}));
        const auto one = co_await call.next();
        if (!one) got = one.error().code;
    } catch (const bv::failure& f) {
        got = f.error().code;
    }
    check(got == bv::code::deadline_exceeded, "DEADLINE_EXCEEDED");
}

// Dropping a call cancels it; the connection goes on.
task<void> cancel_after_begin(rpc::channel& c) {
    auto ctx = within();
    { auto call = co_await pb::open_streaming_input_call(c, ctx); }
    co_await empty_unary(c);
}

task<void> cancel_after_first_response(rpc::channel& c) {
    auto ctx = within();
    {
        auto call = co_await pb::open_full_duplex_call(c, ctx);
        check(co_await call.write(asking(27182, {31415})), "the server takes it");
        const auto one = co_await call.next();
        check(one && *one && (*one)->payload().body().size() == 31415, "the first answer");
    }
    co_await empty_unary(c);
}

task<void> expect_status(rpc::channel& c, std::string_view message) {
    auto ctx = within();
    pb::test_service_remote remote(c);
    pb::SimpleRequest request;
    request.mutable_response_status()->set_code(2);
    request.mutable_response_status()->set_message(std::string(message));
    const auto answer = co_await remote.unary_call(ctx, request);
    check(!answer && answer.error().code == bv::code::unknown && answer.error().message == message, "UNKNOWN with its message, of a unary call");
}

task<void> status_code_and_message(rpc::channel& c) {
    co_await expect_status(c, status_message);
    auto ctx = within();
    auto call = co_await pb::open_full_duplex_call(c, ctx);
    auto request = asking(0, {});
    request.mutable_response_status()->set_code(2);
    request.mutable_response_status()->set_message(std::string(status_message));
    co_await call.write(request);
    call.finish_writing();
    const auto end = co_await call.next();
    check(!end && end.error().code == bv::code::unknown && end.error().message == status_message, "UNKNOWN with its message, of a stream");
}

task<void> special_status_message(rpc::channel& c) { return expect_status(c, special_message); }

// The channel sends both with every call.
void check_echo(const rpc::stream_call& call) {
    check(call.initial().get("x-grpc-test-echo-initial") == "test_initial_metadata_value", "the initial metadata comes back");
    const auto trailing = rpc::grpc::decode_binary(call.trailing().get("x-grpc-test-echo-trailing-bin"));
    check(trailing && *trailing == trailing_value, "the trailing metadata comes back");
}

task<void> custom_metadata(rpc::channel& c) {
    static constexpr rpc::streamed_method unary{"grpc.testing.TestService", "UnaryCall", {}, {}, "/grpc.testing.TestService/UnaryCall"};
    auto ctx = within();
    rpc::remote_stream<pb::SimpleRequest, pb::SimpleResponse> one(co_await c.open(unary, ctx));
    pb::SimpleRequest request;
    request.set_response_size(1);
    request.mutable_payload()->set_body(zeros(1));
    co_await one.write(request);
    const auto answer = co_await one.answer();
    check(answer && answer->payload().body().size() == 1, "an answer of one byte");
    check_echo(one.call());
    auto stream = co_await pb::open_full_duplex_call(c, ctx);
    co_await stream.write(asking(1, {1}));
    stream.finish_writing();
    while (true) {
        const auto next = co_await stream.next();
        check(next.has_value(), "no error");
        if (!*next) break;
    }
    check_echo(stream.call());
}

// As its document has them.
pb::TestOrcaReport a_report() {
    pb::TestOrcaReport out;
    out.set_cpu_utilization(0.8210);
    out.set_memory_utilization(0.5847);
    (*out.mutable_utilization())["util"] = 0.30499;
    return out;
}
bool is_that(const std::optional<rpc::grpc::load_report>& r) { return r && r->cpu == 0.8210 && r->memory == 0.5847 && r->utilization == std::map<std::string, double>{{"util", 0.30499}}; }

task<void> orca_per_rpc(rpc::channel& c) {
    static constexpr rpc::streamed_method unary{"grpc.testing.TestService", "UnaryCall", {}, {}, "/grpc.testing.TestService/UnaryCall"};
    auto ctx = within();
    rpc::remote_stream<pb::SimpleRequest, pb::SimpleResponse> call(co_await c.open(unary, ctx));
    pb::SimpleRequest request;
    *request.mutable_orca_per_query_report() = a_report();
    (*request.mutable_orca_per_query_report()->mutable_request_cost())["cost"] = 3456.32;
    co_await call.write(request);
    check((co_await call.answer()).has_value(), "an answer");
    const auto bytes = rpc::grpc::decode_binary(call.call().trailing().get(rpc::grpc::load_trailer));
    check(bytes.has_value(), "the trailer");
    const auto report = rpc::grpc::decode_load_report(*bytes);
    check(is_that(report) && report->request_cost == std::map<std::string, double>{{"cost", 3456.32}}, "the report that was asked for");
}

// The reports have no generated message: an empty one keeps the fields that it does not know.
task<std::optional<rpc::grpc::load_report>> first_report(rpc::channel& c) {
    static constexpr rpc::streamed_method reports{"xds.service.orca.v3.OpenRcaService", "StreamCoreMetrics", {}, {}, rpc::grpc::load_method};
    auto ctx = within();
    const auto call = co_await c.open(reports, ctx);
    pb::Empty request, answer;
    check(request.ParseFromString(rpc::grpc::encode_load_request(bv::seconds(1))) && co_await call->write(request), "the server takes it");
    call->finish_writing();
    const auto one = co_await call->read(answer);
    check(one && *one, "a report");
    co_return rpc::grpc::decode_load_report(answer.SerializeAsString());
}

task<void> orca_oob(rpc::channel& c) {
    auto ctx = within();
    auto call = co_await pb::open_full_duplex_call(c, ctx);
    auto request = asking(0, {1});
    *request.mutable_orca_oob_report() = a_report();
    check(co_await call.write(request), "the server takes it");
    check((co_await call.next()).has_value(), "an answer");
    const auto report = co_await first_report(c);
    check(is_that(report) && report->request_cost.empty(), "the report that was set");
    call.finish_writing();
}

task<void> unimplemented_method(rpc::channel& c) {
    auto ctx = within();
    pb::test_service_remote remote(c);
    const auto answer = co_await remote.unimplemented_call(ctx, {});
    check(!answer && answer.error().code == bv::code::unimplemented, "UNIMPLEMENTED");
}

task<void> unimplemented_service(rpc::channel& c) {
    static constexpr rpc::streamed_method nobody{"grpc.testing.UnimplementedService", "UnimplementedCall", {}, {}, "/grpc.testing.UnimplementedService/UnimplementedCall"};
    auto ctx = within();
    rpc::remote_stream<pb::Empty, pb::Empty> call(co_await c.open(nobody, ctx));
    co_await call.write({});
    const auto answer = co_await call.answer();
    check(!answer && answer.error().code == bv::code::unimplemented, "UNIMPLEMENTED");
}

const std::map<std::string_view, task<void> (*)(rpc::channel&)> cases{
    {"empty_unary", empty_unary}, {"large_unary", large_unary}, {"client_streaming", client_streaming}, {"server_streaming", server_streaming}, {"ping_pong", ping_pong},
    {"empty_stream", empty_stream}, {"timeout_on_sleeping_server", timeout_on_sleeping_server}, {"cancel_after_begin", cancel_after_begin},
    {"cancel_after_first_response", cancel_after_first_response}, {"status_code_and_message", status_code_and_message}, {"special_status_message", special_status_message},
    {"custom_metadata", custom_metadata}, {"orca_per_rpc", orca_per_rpc}, {"orca_oob", orca_oob}, {"unimplemented_method", unimplemented_method}, {"unimplemented_service", unimplemented_service}};

task<void> run(task<void> (*test)(rpc::channel&), rpc::grpc::channel& c) {
    std::exception_ptr broken;
    try {
        co_await test(c);
    } catch (...) {
        broken = std::current_exception();
    }
    co_await c.close();
    if (broken) std::rethrow_exception(broken);
}

}  // namespace

int main(int argc, char** argv) try {
    const auto found = argc == 3 ? cases.find(argv[2]) : cases.end();
    if (found == cases.end()) {
        std::fprintf(stderr, "interop_client PORT CASE; cases:");
        for (const auto& [name, test] : cases) std::fprintf(stderr, " %s", std::string(name).c_str());
        std::fprintf(stderr, "\n");
        return 2;
    }
    rpc::grpc::channel_options o{.name = "interop", .instances = {{"127.0.0.1", static_cast<std::uint16_t>(std::atoi(argv[1]))}}};
    if (found->first == "custom_metadata")
        o.metadata = {{"x-grpc-test-echo-initial", "test_initial_metadata_value"}, {"x-grpc-test-echo-trailing-bin", rpc::grpc::encode_binary(trailing_value)}};
    bv::runtime runtime(1);
    runtime.start();
    rpc::grpc::channel c(std::move(o), bv::system_clock(), bv::system_rng());
    runtime.block_on(run(found->second, c));
    runtime.stop();
    runtime.join();
    std::printf("%s: passed\n", argv[2]);
} catch (const std::exception& e) {
    std::fprintf(stderr, "%s: failed: %s\n", argc > 2 ? argv[2] : "", e.what());
    return 1;
}
