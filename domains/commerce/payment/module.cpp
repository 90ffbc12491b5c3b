#include "domains/commerce/payment/module.hpp"

#include <boost/asio/this_coro.hpp>

#include "domains/commerce/payment/adapters/postgres_store.hpp"
#include "domains/commerce/payment/adapters/provider_callback.hpp"
#include "platform/events/pg_outbox.hpp"
#include "platform/storage/postgres/lease_store.hpp"

namespace bv::payment {

std::span<const bv::embedded_file> migration_files();

namespace {

options checked(options o) {
    if (o.provider.port == 0 || o.provider.api_key.empty() || o.callback_secret.empty())
        throw failure(code::invalid_argument, "PROVIDER_NOT_CONFIGURED", "payment needs the provider's port, API key and call-back secret");
    return o;
}

}  // namespace

struct service::impl {
    impl(deps given, options chosen)
        : d(given), o(checked(std::move(chosen))), home(d.runtime.context(o.core % d.runtime.cores()).get_executor()),
          outbox("payment", [log = &d.log] { log->wake(); }), provider(home, d.clock, o.provider), leases(d.db, "payment"),
          wired({home, d.clock, d.rng, d.db, store, outbox, d.log, provider, leases}, o) {}

    static task<void> stop(impl* self) {
        co_await self->wired.stop();
        co_await self->provider.stop();
    }

    const deps d;
    const options o;
    asio::any_io_executor home;
    events::pg_outbox outbox;
    postgres_store store;
    http_provider provider;
    pg::lease_store leases;
    wiring wired;
};

service::service(deps d, options o) : impl_(std::make_unique<impl>(d, std::move(o))) {}
service::~service() = default;

rpc::served service::served() { return contract::serve(impl_->wired.served()); }

std::vector<rpc::raw_route> service::routes() {
    return {provider_callback(impl_->o.callback_secret, impl_->d.clock, [self = impl_.get()](std::vector<std::string> keys) { self->wired.hurry(std::move(keys)); })};
}

bv::module service::lifecycle() {
    auto* self = impl_.get();
    return {.name = "payment",
            .needs = {"database", "events"},
            .start = [self] { return self->wired.start(); },
            .stop = [self] { return impl::stop(self); }};
}

pg::migration_set service::migrations() { return {"payment", migration_files()}; }

task<reconciliation> service::reconcile(bool everything) { co_return co_await impl_->wired.reconcile_now(everything); }

task<reconciliation> reconcile_books(clock& c, rng& r, pg::database& db, provider_options p, reconcile_options o) {
    http_provider provider(co_await asio::this_coro::executor, c, std::move(p));
    postgres_store store;
    events::pg_outbox outbox("payment");
    reconcile compare(c, r, db, store, outbox, provider, o);
    co_return co_await compare(true);
}

}  // namespace bv::payment
