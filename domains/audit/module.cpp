#include "domains/audit/module.hpp"

#include "domains/audit/adapters/api.hpp"
#include "platform/runtime/scope.hpp"
#include "platform/storage/postgres/lease_store.hpp"
#include "platform/storage/rounds.hpp"
#include "platform/telemetry/log.hpp"

namespace bv::audit {

std::span<const bv::embedded_file> migration_files();

struct service::impl {
    impl(deps given, options chosen) : d(given), o(chosen), endpoint(d.db) {}

    static task<void> make_partitions(impl* self) { co_await ensure_partitions(self->d.db, self->o.months_ahead); }
    static task<void> keep_partitions(impl* self) {
        while (!self->jobs.stopping()) {
            co_await self->d.clock.sleep_for(self->o.partition_interval);
            try {
                co_await storage::once_in(self->leases, "audit:partitions", self->o.partition_interval, [self] { return make_partitions(self); });
            } catch (const failure& f) {
                telemetry::warn("audit.partitions_failed", {{"reason", f.error().reason}});
            }
        }
    }
    static task<void> start(impl* self) {
        co_await make_partitions(self);
        self->jobs.spawn(co_await asio::this_coro::executor, keep_partitions(self));
    }
    static task<void> stop(impl* self) {
        self->jobs.stop();
        co_await self->jobs.join();
    }

    deps d;
    options o;
    api endpoint;
    pg::lease_store leases{d.db, "audit"};
    scope jobs{"audit"};
};

service::service(deps d, options o) : impl_(std::make_unique<impl>(d, o)) {}
service::~service() = default;

rpc::served service::served() { return contract::serve(impl_->endpoint); }

bv::module service::lifecycle() {
    auto* self = impl_.get();
    return {.name = "audit", .needs = {"database"}, .start = [self] { return impl::start(self); }, .stop = [self] { return impl::stop(self); }};
}

pg::migration_set service::migrations() { return {"audit", migration_files()}; }

}  // namespace bv::audit
