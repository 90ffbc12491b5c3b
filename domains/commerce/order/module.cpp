#include "domains/commerce/order/module.hpp"

#include <span>

#include "domains/commerce/order/adapters/contract_catalogue.hpp"
#include "domains/commerce/order/adapters/postgres_event_store.hpp"
#include "domains/commerce/order/adapters/postgres_projection_store.hpp"
#include "domains/commerce/order/adapters/postgres_saga_store.hpp"
#include "platform/events/pg_outbox.hpp"
#include "platform/storage/postgres/lease_store.hpp"

namespace bv::order {

std::span<const bv::embedded_file> migration_files();

struct service::impl {
    postgres_event_store streams;
    postgres_saga_store sagas;
    postgres_projection_store projections;
    bv::events::pg_outbox outbox;
    contract_catalogue products;
    pg::lease_store leases;
    wiring service;

    impl(deps d, options o)
        : outbox("orders", [&log = d.log] { log.wake(); }),
          products(d.products),
          leases(d.db, "orders"),
          service({d.runtime.context(0).get_executor(), {d.clock, d.rng, d.db, streams, sagas, projections, outbox, o.times}, d.log, products, leases}, o) {}
};

service::service(deps d, options o) : impl_(std::make_unique<impl>(std::move(d), o)) {}
service::~service() = default;

rpc::served service::served() { return contract::serve(impl_->service.served()); }

bv::module service::lifecycle() {
    auto* wired = &impl_->service;
    return {"orders", {"database", "events", "product"}, [wired] { return wired->start(); }, [wired] { return wired->stop(); }, {}};
}

pg::migration_set service::migrations() { return {"orders", migration_files()}; }

task<rebuilt> service::rebuild(std::function<void(const rebuilt&)> report) { return rebuild_projections(impl_->service.env(), std::move(report)); }

task<check_result> service::check(std::size_t max_violations) { return check_orders(impl_->service.env(), max_violations); }

}  // namespace bv::order
