#include "app/shared_store.hpp"

#include <fmt/format.h>

#include "domains/commerce/product/module.hpp"

namespace bv::app {

namespace {

constexpr int answer_version = 1;  // of early_answers.proto

redis::options options_of(const std::vector<std::string>& endpoints, const config& c) {
    redis::options out;
    for (const auto& e : endpoints) {
        auto at = redis::parse_address(e);
        if (!at) throw failure(std::move(at.error()));
        out.endpoints.push_back(std::move(*at));
    }
    out.user = c.get<std::string>("redis.user");
    out.password = c.get<std::string>("redis.password");
    out.tls = c.get<bool>("redis.tls");
    out.ca_file = c.get<std::string>("redis.ca_file");
    out.call_timeout = c.get<milliseconds>("redis.call_timeout");
    return out;
}

redis::second_level_options products_options(const config& c) {
    redis::second_level_options out;
    out.name = "products";
    out.prefix = fmt::format("{}:product:{}:", c.get<std::string>("redis.prefix"), product::cached_version);
    out.ttl = c.get<milliseconds>("redis.cache_time");
    return out;
}

}  // namespace

shared_store::shared_store(const std::vector<std::string>& endpoints, const config& c, bv::runtime& on, clock& time, rng& random)
    : client_(options_of(endpoints, c), time, random), products_(products_options(c), client_, time, random, on.context(0).get_executor()),
      limits_(client_, time, c.get<std::string>("redis.prefix") + ":limit:"),
      answers_(client_, {.prefix = fmt::format("{}:answer:{}:", c.get<std::string>("redis.prefix"), answer_version)}) {}

task<void> shared_store::start() {
    co_await client_.start();
    products_.start();
}

task<void> shared_store::stop() {
    co_await products_.stop();
    co_await client_.stop();
}

bv::module shared_store::lifecycle() {
    return {.name = "redis", .needs = {}, .start = [this] { return start(); }, .stop = [this] { return stop(); }, .degraded = [this] { return client_.trouble(); }};
}

}  // namespace bv::app
