// bench_load: load on one HTTP route, and what came back as one JSON object.
//
//   bench_load --port 8080 --target /v1/orders --verb POST --bodies orders.txt --keys run-1 --rate 500 --seconds 20
#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <boost/json.hpp>

#include "bench/load/load.hpp"
#include "platform/core/error.hpp"

namespace {

struct arguments {
    bv::load::options how;
    double seconds = 10, warm_up = 1, pause_ms = 0;
    std::string verb = "GET", target = "/", bodies_file, keys;
    std::vector<std::string> headers, bodies;
};

void read_bodies(arguments& a) {
    if (a.bodies_file.empty()) return;
    std::ifstream in(a.bodies_file);
    for (std::string line; std::getline(in, line);)
        if (!line.empty()) a.bodies.push_back(std::move(line));
    if (a.bodies.empty()) throw bv::failure(bv::code::invalid_argument, "NO_BODIES", a.bodies_file + " has no line to send");
}

bv::http::client_request make_request(const arguments& a, std::uint64_t n) {
    bv::http::client_request r;
    r.verb = bv::http::parse_verb(a.verb);
    r.target = a.target;
    for (const auto& h : a.headers) {
        const auto colon = h.find(':');
        r.headers.add(h.substr(0, colon), colon == h.npos ? "" : h.substr(h.find_first_not_of(' ', colon + 1)));
    }
    if (!a.bodies.empty()) r.body = a.bodies[n % a.bodies.size()];
    if (!a.keys.empty()) r.headers.add("Idempotency-Key", a.keys + "-" + std::to_string(n));
    return r;
}

boost::json::object to_json(const bv::load::report& r) {
    boost::json::object others;
    for (const auto& [status, n] : r.others) others.emplace(std::to_string(status), n);
    return {{"seconds", r.seconds},
            {"answered", r.answered},
            {"per_second", r.per_second()},
            {"others", others},
            {"first_problem", r.first_problem},
            {"latency_us",
             {{"mean", r.latency.mean_us()},
              {"p50", r.latency.quantile_us(0.5)},
              {"p90", r.latency.quantile_us(0.9)},
              {"p99", r.latency.quantile_us(0.99)},
              {"p999", r.latency.quantile_us(0.999)},
              {"max", r.latency.max_us()}}}};
}

}  // namespace

int main(int argc, char** argv) {
    arguments a;
    CLI::App app("Load on one HTTP route; prints one JSON object");
    app.add_option("--host", a.how.host, "host");
    app.add_option("--port", a.how.port, "port")->required();
    app.add_option("--connections", a.how.connections, "keep-alive connections: the most requests under way at once");
    app.add_option("--rate", a.how.rate, "arrivals a second (open loop); 0: each connection sends when it has its answer");
    app.add_option("--seconds", a.seconds, "measured time");
    app.add_option("--warm-up", a.warm_up, "seconds before it, not counted");
    app.add_option("--pause-ms", a.pause_ms, "closed loop: between an answer and the connection's next request");
    app.add_option("--requests", a.how.most_requests, "ends the run after so many; 0: no bound");
    app.add_option("--verb", a.verb, "GET, POST, …");
    app.add_option("--target", a.target, "path and query");
    app.add_option("--header", a.headers, "\"Name: value\"; may be repeated");
    app.add_option("--bodies", a.bodies_file, "file with one body a line, sent in turn");
    app.add_option("--keys", a.keys, "adds Idempotency-Key: KEYS-n, n counting from 0");
    CLI11_PARSE(app, argc, argv);
    a.how.duration = std::chrono::nanoseconds(static_cast<std::int64_t>(a.seconds * 1e9));
    a.how.warm_up = std::chrono::nanoseconds(static_cast<std::int64_t>(a.warm_up * 1e9));
    a.how.pause = std::chrono::nanoseconds(static_cast<std::int64_t>(a.pause_ms * 1e6));
    try {
        read_bodies(a);
        const auto out = bv::load::run(a.how, [&a](std::uint64_t n) { return make_request(a, n); });
        std::puts(boost::json::serialize(to_json(out)).c_str());
        return out.answered > 0 ? 0 : 1;
    } catch (const bv::failure& e) {
        std::fprintf(stderr, "bench_load: %s\n", e.what());
        return 1;
    }
}
