// bench_grpc_server [FOLDER]: gives messages back as they came, in the clear or with certificates on both sides; prints its port.
// bench_grpc_server --certificates FOLDER: makes those of both sides.
#include <cstdio>
#include <cstring>

#include "bench/echo.bv.hpp"
#include "bench/grpc/identity.hpp"
#include "platform/core/error.hpp"
#include "platform/net/http/server.hpp"
#include "platform/rpc/grpc/services.hpp"
#include "platform/rpc/grpc/status.hpp"
#include "platform/rpc/http_dispatch.hpp"
#include "platform/runtime/runtime.hpp"

namespace {

namespace rpc = bv::rpc;
namespace http = bv::http;
using bv::task;

class echo final : public bench::echo {
public:
    task<bv::result<bench::Item>> give(rpc::context&, bench::Item item) override { co_return item; }
};

task<http::response> serve(const rpc::grpc::services& all, http::request& request) {
    const auto* called = all.find(request.path());
    if (called == nullptr) co_return rpc::grpc::refusal(rpc::grpc::no_such_method(request.path()));
    auto ctx = rpc::make_context(request, {.caller = {.kind = rpc::caller_kind::service, .name = "bench"},
                                           .deadline = rpc::grpc::deadline_of(request, bv::system_clock().steady_now(), bv::steady_point::max())});
    auto done = co_await rpc::grpc::call(*called, request, ctx, 4 * 1024 * 1024);
    co_return rpc::grpc::render(std::move(done), ctx);
}

}  // namespace

int main(int argc, char** argv) try {
    if (argc == 3 && std::strcmp(argv[1], "--certificates") == 0) {
        const auto authority = bv::security::certificate_authority::make("bench", bv::system_clock().now());
        for (const char* side : {"server", "client"}) bench::write_identity(authority, argv[2], side);
        return 0;
    }
    echo service;
    rpc::grpc::services all;
    all.add(bench::serve(service));
    http::server_options o;
    if (argc > 1) o.peers = std::make_shared<http::mutual_tls>(bench::read_identity(argv[1], "server"));
    bv::runtime runtime(1);
    http::server server(runtime, std::move(o), [&all](http::request& r) { return serve(all, r); });
    runtime.start();
    server.start();
    std::printf("%d\n", server.port());
    std::fflush(stdout);
    runtime.join();
} catch (const bv::failure& e) {
    std::fprintf(stderr, "%s\n", e.what());
    return 1;
}
