#include "domains/commerce/notification/module.hpp"

#include <atomic>

#include "domains/commerce/notification/adapters/api.hpp"
#include "domains/commerce/notification/adapters/contract_contacts.hpp"
#include "domains/commerce/notification/adapters/file_mailer.hpp"
#include "domains/commerce/notification/adapters/postgres_notification_store.hpp"
#include "domains/commerce/notification/app/tell_buyers.hpp"
#include "platform/runtime/signal.hpp"
#include "platform/runtime/deadline.hpp"
#include "platform/runtime/scope.hpp"
#include "platform/storage/postgres/lease_store.hpp"
#include "platform/telemetry/log.hpp"

namespace bv::notification {

std::span<const bv::embedded_file> migration_files();

namespace {

std::unique_ptr<mailer> make_mailer(const options& o, clock& c) {
    switch (o.mailer) {
        case mailer_kind::file: return std::make_unique<file_mailer>(o.mail_folder, o.sender);
        case mailer_kind::smtp: return std::make_unique<smtp_mailer>(o.smtp, o.sender, c);
    }
    throw failure(code::invalid_argument, "MAILER_UNKNOWN", "the mailer is either file or smtp");
}

// The consumer's store. Wakes the worker once mails are queued for good: before the commit it would not see them.
class waking_transactor final : public storage::transactor {
public:
    waking_transactor(storage::transactor& inner, jobs::job_queue& q) : inner_(inner), queue_(q) {}
    task<void> run(storage::transaction_options o, std::function<task<void>(storage::unit_of_work&)> work) override {
        co_await inner_.run(std::move(o), std::move(work));
        if (queued_.exchange(false)) queue_.committed();
    }
    // Mails are queued in the transaction in hand.
    void expect_mails() noexcept { queued_ = true; }

private:
    storage::transactor& inner_;
    jobs::job_queue& queue_;
    std::atomic<bool> queued_{false};
};

}  // namespace

struct service::impl {
    impl(deps given, options chosen)
        : d(given), o(std::move(chosen)), home(d.runtime.context(d.runtime.cores() - 1).get_executor()),
          work(std::make_shared<bv::signal>(home, d.clock)), consumer_store(d.db, d.mails), store(d.db), leases(d.db, "notification"), contacts(d.identity),
          mail(make_mailer(o, d.clock)), tell(store, d.mails, d.clock), deliver(d.db, store, d.mails, contacts, *mail, d.clock, o.delivery), endpoint(store, d.clock) {
        d.mails.attach(work);
        d.log.subscribe({.group = "notification",
                         .source = "orders",
                         .types = tell_buyers::types(),
                         .max_batch = o.max_batch,
                         .handler = [this](storage::unit_of_work& uow, std::span<const events::event> batch) {
                             consumer_store.expect_mails();
                             return tell(uow, batch);
                         },
                         .store = &consumer_store,
                         .leases = &leases,
                         .consumer = "notification",
                         .gather = milliseconds(100)});
    }

    // True: there may be more to do at once.
    static task<bool> deliver_batch(impl* self) {
        try {
            co_return co_await self->deliver();
        } catch (...) {
            const auto why = current_error();
            if (!self->jobs.stopping()) telemetry::warn("notification.delivery_failed", {{"code", name(why.code)}, {"reason", why.reason}});
        }
        co_return false;
    }

    static task<void> deliver_all(impl* self) {
        while (!self->ending) {
            const bool more = co_await deliver_batch(self);
            if (!more && !self->ending) co_await self->work->wait_for(self->o.poll_interval);
        }
    }

    static task<void> start(impl* self) {
        self->jobs.spawn(self->home, deliver_all(self));
        co_return;
    }

    // A mail that was handed over is noted down as sent, or it would be sent again.
    static task<void> stop(impl* self) {
        self->ending = true;
        self->work->notify();
        try {
            co_await with_deadline(self->d.clock, self->d.clock.steady_now() + self->o.stop_grace, self->jobs.join());
        } catch (const failure& f) {
            if (f.error().code != code::deadline_exceeded) throw;
            telemetry::warn("notification.stopped_in_batch");
        }
        self->jobs.stop();
        co_await self->jobs.join();
    }

    deps d;
    options o;
    asio::any_io_executor home;
    std::shared_ptr<bv::signal> work;
    waking_transactor consumer_store;
    postgres_notification_store store;
    pg::lease_store leases;
    contract_contacts contacts;
    std::unique_ptr<mailer> mail;
    tell_buyers tell;
    deliver_mail deliver;
    api endpoint;
    std::atomic<bool> ending{false};
    scope jobs{"notification"};
};

service::service(deps d, options o) : impl_(std::make_unique<impl>(d, std::move(o))) {}
service::~service() = default;

rpc::served service::served() { return contract::serve(impl_->endpoint); }

bv::module service::lifecycle() {
    auto* self = impl_.get();
    return {.name = "notification",
            .needs = {"database", "events", "jobs"},
            .start = [self] { return impl::start(self); },
            .stop = [self] { return impl::stop(self); }};
}

pg::migration_set service::migrations() { return {"notification", migration_files()}; }

}  // namespace bv::notification
