// bench_http_server [port [cores]]: answers every request with 500 bytes of JSON, to weigh the server against others.
#include <cstdio>
#include <cstdlib>
#include <string>

#include "platform/core/error.hpp"
#include "platform/net/http/server.hpp"
#include "platform/runtime/runtime.hpp"

namespace {

std::string body() {
    std::string json = R"({"id":"0190b8a4-0000-7000-8000-000000000001","name":"a product","description":")";
    json.append(500 - json.size() - 2, 'x');
    return json += "\"}";
}

bv::task<bv::http::response> answer(bv::http::request&) {
    static const std::string json = body();
    co_return bv::http::response{.body = json};
}

}  // namespace

int main(int argc, char** argv) try {
    const auto port = static_cast<std::uint16_t>(argc > 1 ? std::atoi(argv[1]) : 8080);
    bv::runtime runtime(argc > 2 ? static_cast<std::size_t>(std::atoi(argv[2])) : 1);
    bv::http::server server(runtime, {.port = port}, answer);
    runtime.start();
    server.start();
    std::printf("http://127.0.0.1:%d/\n", server.port());
    std::fflush(stdout);
    runtime.join();
} catch (const bv::failure& e) {
    std::fprintf(stderr, "%s\n", e.what());
    return 1;
}
