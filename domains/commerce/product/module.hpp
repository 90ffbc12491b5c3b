// The product service: what the process needs to run it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "platform/cache/loading_cache.hpp"
#include "platform/cache/second_level.hpp"
#include "platform/events/log.hpp"
#include "platform/rpc/method.hpp"
#include "platform/runtime/module.hpp"
#include "platform/runtime/runtime.hpp"
#include "platform/storage/postgres/migrations.hpp"

namespace bitvelocity::commerce::product::v1 {
class product_service;
}
namespace bv::rpc {
struct stream_route;
}
namespace bv::rpc::grpc {
struct streamed;
}

namespace bv::product {

struct deps {
    bv::runtime& runtime;
    bv::clock& clock;
    bv::rng& rng;
    pg::database& db;  // connected as bv_product
    events::log& log;
    cache::second_level* second = nullptr;  // of the cache, shared by processes; null: none
};

// Of what the second level holds: part of its keys there. Another whenever an old release could not read it.
inline constexpr int cached_version = 1;

struct options {
    cache::options cache{.name = "products"};
};

class service {
public:
    // Observes its own events.
    service(deps, options);
    ~service();
    [[nodiscard]] rpc::served served();
    // POST /v1/products:import.
    [[nodiscard]] rpc::stream_route import_route();
    // The same over gRPC.
    [[nodiscard]] rpc::grpc::streamed import_stream();
    // For the clients of other services in this process: product_service_client(service.contract()).
    [[nodiscard]] bitvelocity::commerce::product::v1::product_service& contract();
    [[nodiscard]] bv::module lifecycle();
    [[nodiscard]] static pg::migration_set migrations();
    // Adds the products of seed/catalogue.json that are not there; how many. May run at every start.
    task<int> seed_catalogue();
    // What that file holds.
    [[nodiscard]] static std::vector<std::string> seed_skus();
    [[nodiscard]] cache::statistics cache_stats() const;

private:
    struct impl;
    std::unique_ptr<impl> impl_;
};

}  // namespace bv::product
