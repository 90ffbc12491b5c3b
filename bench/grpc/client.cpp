// bench_grpc_client PORT SECONDS CALLERS [FOLDER]: calls one after another from so many callers at once; prints how many were answered.
#include <cstdio>
#include <cstdlib>

#include <boost/asio/this_coro.hpp>

#include "bench/echo.bv.hpp"
#include "bench/grpc/identity.hpp"
#include "platform/core/error.hpp"
#include "platform/rpc/grpc/channel.hpp"
#include "platform/runtime/runtime.hpp"
#include "platform/runtime/scope.hpp"

namespace {

namespace rpc = bv::rpc;
using bv::task;

bench::Item an_item() {
    bench::Item out;
    out.set_id("0190b8a4-0000-7000-8000-000000000001");
    out.set_owner("0190b8a4-0000-7000-8000-000000000002");
    out.set_version(7);
    for (int i = 0; i < 3; ++i) {
        auto* line = out.add_lines();
        line->set_sku("KIT-KETTLE-1" + std::to_string(i));
        line->set_quantity(i + 1);
        line->set_minor_units(1999);
    }
    for (const char* label : {"channel", "campaign", "region"}) (*out.mutable_labels())[label] = "a value of some length, as labels have";
    return out;
}

task<void> call_on(rpc::channel& c, bv::steady_point until, std::uint64_t& answered) {
    bench::echo_remote remote(c);
    const auto item = an_item();
    while (bv::system_clock().steady_now() < until) {
        rpc::context ctx;
        ctx.deadline = until + bv::seconds(10);
        const auto back = co_await remote.give(ctx, item);
        if (!back) throw bv::failure(back.error());
        if (back->id() != item.id()) throw bv::failure(bv::code::data_loss, "WRONG_ANSWER", "another message came back");
        ++answered;
    }
}

task<void> run(rpc::grpc::channel& c, int callers, bv::steady_point until, std::uint64_t& answered) {
    bv::scope all("callers");
    for (int i = 0; i < callers; ++i) all.spawn(co_await bv::asio::this_coro::executor, call_on(c, until, answered));
    co_await all.join();
    co_await c.close();
}

}  // namespace

int main(int argc, char** argv) try {
    if (argc < 4) {
        std::fprintf(stderr, "bench_grpc_client PORT SECONDS CALLERS [FOLDER]\n");
        return 2;
    }
    rpc::grpc::channel_options o{.name = "bench", .instances = {{"127.0.0.1", static_cast<std::uint16_t>(std::atoi(argv[1]))}}};
    if (argc > 4) o.peers = std::make_shared<bv::http::mutual_tls>(bench::read_identity(argv[4], "client"));
    bv::runtime runtime(1);
    runtime.start();
    rpc::grpc::channel c(std::move(o), bv::system_clock(), bv::system_rng());
    std::uint64_t answered = 0;
    const auto until = bv::system_clock().steady_now() + bv::milliseconds(static_cast<long>(std::atof(argv[2]) * 1000));
    runtime.block_on(run(c, std::atoi(argv[3]), until, answered));
    std::printf("%llu\n", static_cast<unsigned long long>(answered));
    return answered == 0 ? 1 : 0;
} catch (const std::exception& e) {
    std::fprintf(stderr, "%s\n", e.what());
    return 1;
}
