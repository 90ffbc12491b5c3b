#include "domains/commerce/inventory/module.hpp"

#include "domains/commerce/inventory/adapters/postgres_stock_store.hpp"
#include "platform/events/pg_outbox.hpp"
#include "platform/storage/postgres/lease_store.hpp"

namespace bv::inventory {

std::span<const bv::embedded_file> migration_files();

struct service::impl {
    impl(deps d, options o)
        : outbox("inventory", [log = &d.log] { log->wake(); }), store(d.db), leases(d.db, "inventory"),
          wired({d.runtime.context(0).get_executor(), d.clock, d.rng, d.db, store, outbox, d.log, leases}, o) {}

    events::pg_outbox outbox;
    postgres_stock_store store;
    pg::lease_store leases;
    wiring wired;
};

service::service(deps d, options o) : impl_(std::make_unique<impl>(d, o)) {}
service::~service() = default;

rpc::served service::served() { return contract::serve(impl_->wired.served()); }

bv::module service::lifecycle() {
    auto* wired = &impl_->wired;
    return {.name = "inventory",
            .needs = {"database", "events"},
            .start = [wired] { return wired->start(); },
            .stop = [wired] { return wired->stop(); }};
}

pg::migration_set service::migrations() { return {"inventory", migration_files()}; }

}  // namespace bv::inventory
