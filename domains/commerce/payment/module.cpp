#include "domains/commerce/payment/module.hpp"

#include <atomic>

#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>

#include "domains/commerce/payment/adapters/api.hpp"
#include "domains/commerce/payment/adapters/postgres_store.hpp"
#include "domains/commerce/payment/adapters/provider_callback.hpp"
#include "domains/commerce/payment/adapters/waking_transactor.hpp"
#include "domains/commerce/payment/app/handle_order_events.hpp"
#include "platform/events/pg_outbox.hpp"
#include "platform/runtime/scope.hpp"
#include "platform/telemetry/log.hpp"

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
          outbox("payment", [log = &d.log] { log->wake(); }), provider(home, d.clock, o.provider),
          worker(d.clock, d.rng, d.db, store, outbox, provider, o.worker), consumer_store(d.db, [this] { if (asked.exchange(false)) worker.wake(); }),
          handle(d.clock, d.rng, store, outbox), compare(d.clock, d.rng, d.db, store, outbox, provider, o.reconciliation), read(d.db, store),
          endpoint(read) {
        d.log.subscribe({.group = "payment",
                         .source = o.order_source,
                         .types = handle_order_events::types(),
                         .max_batch = o.max_batch,
                         .handler =
                             [this](storage::unit_of_work& uow, std::span<const events::event> batch) {
                                 asked = true;
                                 return handle(uow, batch);
                             },
                         .store = &consumer_store,
                         .consumer = "payment"});
    }

    static task<void> reconcile_now_and_then(impl* self) {
        while (!self->jobs.stopping()) {
            co_await self->d.clock.sleep_for(self->o.reconcile_interval);
            try {
                const auto r = co_await self->compare();
                for (const auto& f : r.findings)
                    telemetry::warn("payment.reconciliation_finding", {{"kind", f.kind}, {"key", f.key}, {"detail", f.detail}, {"mended", f.mended}});
            } catch (const failure& f) {
                telemetry::warn("payment.reconciliation_waits", {{"reason", f.error().reason}});
            }
        }
    }

    static task<void> start(impl* self) {
        self->work.spawn(self->home, self->worker.run());
        self->jobs.spawn(self->home, reconcile_now_and_then(self));
        co_return;
    }
    static task<void> stop(impl* self) {
        self->jobs.stop();
        co_await self->jobs.join();
        // The calls under way end (or time out) and are applied.
        self->worker.stop();
        co_await self->work.join();
        co_await self->provider.stop();
    }

    void hurry(std::vector<std::string> keys) {
        asio::post(home, [this, keys = std::move(keys)]() mutable { worker.hurry(std::move(keys)); });
    }

    const deps d;
    const options o;
    asio::any_io_executor home;
    events::pg_outbox outbox;
    postgres_store store;
    http_provider provider;
    std::atomic<bool> asked{false};  // the consumer's transaction handles requests, and does not only move its position
    operation_worker worker;
    waking_transactor consumer_store;
    handle_order_events handle;
    bv::payment::reconcile compare;
    read_payments read;
    api endpoint;
    scope work{"payment.worker"}, jobs{"payment"};
};

service::service(deps d, options o) : impl_(std::make_unique<impl>(d, std::move(o))) {}
service::~service() = default;

rpc::served service::served() { return contract::serve(impl_->endpoint); }

std::vector<rpc::raw_route> service::routes() {
    return {provider_callback(impl_->o.callback_secret, impl_->d.clock, [self = impl_.get()](std::vector<std::string> keys) { self->hurry(std::move(keys)); })};
}

bv::module service::lifecycle() {
    auto* self = impl_.get();
    return {.name = "payment",
            .needs = {"database", "events"},
            .start = [self] { return impl::start(self); },
            .stop = [self] { return impl::stop(self); }};
}

pg::migration_set service::migrations() { return {"payment", migration_files()}; }

task<reconciliation> service::reconcile(bool everything) { co_return co_await impl_->compare(everything); }

task<reconciliation> reconcile_books(clock& c, rng& r, pg::database& db, provider_options p, reconcile_options o) {
    http_provider provider(co_await asio::this_coro::executor, c, std::move(p));
    postgres_store store;
    events::pg_outbox outbox("payment");
    reconcile compare(c, r, db, store, outbox, provider, o);
    co_return co_await compare(true);
}

}  // namespace bv::payment
