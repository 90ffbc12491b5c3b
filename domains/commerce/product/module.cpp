#include "domains/commerce/product/module.hpp"

#include "bitvelocity/commerce/product/v1/events.bv.hpp"
#include "domains/commerce/product/adapters/api.hpp"
#include "domains/commerce/product/adapters/import_route.hpp"
#include "domains/commerce/product/adapters/postgres_product_store.hpp"
#include "domains/commerce/product/app/seed_catalogue.hpp"
#include "platform/events/pg_outbox.hpp"

namespace bv::product {

std::span<const bv::embedded_file> migration_files();
std::span<const bv::embedded_file> seed_files();

struct service::impl {
    impl(deps d, options o)
        : outbox("product", [log = &d.log] { log->wake(); }), store(d.db), cache(std::move(o.cache), d.clock, d.rng, store, d.second),
          env{d.clock, d.rng, d.db, store, outbox, cache}, endpoint(env) {
        d.log.observe({.source = "product",
                       .types = {std::string(rpc::type_name<contract::ProductChanged>()), std::string(rpc::type_name<contract::ProductDeleted>())},
                       .seen = [this](const events::event& e) { cache.changed_elsewhere(e.key, e.position); },
                       .missed = [this] { cache.forget_all(); }});
    }

    events::pg_outbox outbox;
    postgres_product_store store;
    product_cache cache;
    environment env;
    api endpoint;
};

service::service(deps d, options o) : impl_(std::make_unique<impl>(d, std::move(o))) {}
service::~service() = default;

contract::product_service& service::contract() { return impl_->endpoint; }

rpc::stream_route service::import_route() { return bv::product::import_route(impl_->env); }
rpc::grpc::streamed service::import_stream() { return bv::product::import_stream(impl_->env); }

rpc::served service::served() { return contract::serve(impl_->endpoint); }

bv::module service::lifecycle() {
    // Nothing runs in the background: the event log calls the observer.
    struct nothing {
        static task<void> to_do() { co_return; }
    };
    return {.name = "product", .needs = {"database", "events"}, .start = nothing::to_do, .stop = nothing::to_do};
}

pg::migration_set service::migrations() { return {"product", migration_files()}; }

std::vector<std::string> service::seed_skus() { return skus_of(seed_files().front().text); }

task<int> service::seed_catalogue() { return bv::product::seed_catalogue(impl_->env, seed_files().front().text); }

cache::statistics service::cache_stats() const { return impl_->cache.stats(); }

}  // namespace bv::product
