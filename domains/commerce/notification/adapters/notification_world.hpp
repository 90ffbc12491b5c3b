// The notification service's world for tests: a fresh database with its schema, an address book and a mailer to play with.
#pragma once

#include <array>
#include <functional>
#include <map>
#include <mutex>
#include <vector>

#include "bitvelocity/commerce/order/v1/events.pb.h"
#include "bitvelocity/identity/v1/identity.bv.hpp"
#include "domains/audit/module.hpp"
#include "domains/commerce/notification/adapters/postgres_notification_store.hpp"
#include "domains/commerce/notification/app/deliver_mail.hpp"
#include "domains/commerce/notification/app/tell_buyers.hpp"
#include "domains/commerce/notification/module.hpp"
#include "platform/events/migrations.hpp"
#include "platform/jobs/pg_job_queue.hpp"
#include "platform/rpc/timestamp.hpp"
#include "platform/testing/fake_clock.hpp"
#include "platform/testing/postgres_fixture.hpp"

namespace bv::notification::testing {

namespace orders = ::bitvelocity::commerce::order::v1;
namespace identity = ::bitvelocity::identity::v1;

inline uuid numbered(std::uint8_t kind, std::uint64_t n) {
    uuid out;
    out.bytes[0] = kind;
    for (std::size_t i = 0; i < 8; ++i) out.bytes[15 - i] = static_cast<std::uint8_t>(n >> (8 * i));
    return out;
}
inline order_id order(std::uint64_t n) { return {numbered(1, n)}; }
inline customer_id customer(std::uint64_t n) { return {numbered(2, n)}; }

template <class Message>
events::event an_event(const Message& m, time_point at = *parse_rfc3339("2026-01-01T00:00:00Z")) {
    events::event e;
    e.source = "orders";
    e.id = uuid::named(m.SerializeAsString());
    e.type = Message::descriptor()->full_name();
    e.key = m.order_id();
    e.time = at;
    e.payload = m.SerializeAsString();
    return e;
}

template <class Message>
Message about(order_id o, customer_id c) {
    Message m;
    m.set_order_id(o.str());
    m.set_customer_id(c.str());
    return m;
}
inline orders::OrderConfirmed confirmed_order(order_id o, customer_id c, std::int64_t pence = 1234) {
    auto m = about<orders::OrderConfirmed>(o, c);
    m.mutable_total()->set_currency("GBP");
    m.mutable_total()->set_minor_units(pence);
    rpc::set_timestamp(*m.mutable_ordered_at(), *parse_rfc3339("2010-12-01T08:26:00Z"));
    return m;
}
inline orders::OrderCancelled cancelled_order(order_id o, customer_id c, orders::CancelReason r = orders::CANCEL_REASON_OUT_OF_STOCK) {
    auto m = about<orders::OrderCancelled>(o, c);
    m.set_reason(r);
    m.mutable_total()->set_currency("GBP");
    return m;
}
inline orders::OrderReturned returned_order(order_id o, customer_id c, std::string return_id) {
    auto m = about<orders::OrderReturned>(o, c);
    m.set_return_id(std::move(return_id));
    m.mutable_amount()->set_currency("GBP");
    return m;
}

// Identity's part in this: addresses. Thread-safe.
class address_book final : public identity::identity_service {
public:
    void set(customer_id c, std::string email) {
        std::lock_guard lock(mutex_);
        emails_[c.str()] = std::move(email);
    }
    void set_away(bool away) { away_ = away; }
    [[nodiscard]] int calls() const { return calls_; }
    std::function<void()> before = [] {};  // called at each look-up

    task<result<identity::BatchGetContactsResponse>> batch_get_contacts(rpc::context&, identity::BatchGetContactsRequest request) override {
        ++calls_;
        if (const auto first = before) first();
        if (away_) co_return fail(code::unavailable, "AWAY", "the address book is away");
        std::lock_guard lock(mutex_);
        identity::BatchGetContactsResponse out;
        for (const auto& id : request.account_ids()) {
            const auto it = emails_.find(id);
            if (it == emails_.end()) continue;
            auto* c = out.add_contacts();
            c->set_account_id(id);
            c->set_email(it->second);
        }
        co_return out;
    }

#define BV_NOT_HERE(method, request, response) \
    task<result<response>> method(rpc::context&, request) override { co_return fail(code::unimplemented, "NOT_HERE", #method); }
    BV_NOT_HERE(register_, identity::RegisterRequest, identity::Account)
    BV_NOT_HERE(get_account, identity::GetAccountRequest, identity::Account)
    BV_NOT_HERE(list_accounts, identity::ListAccountsRequest, identity::ListAccountsResponse)
    BV_NOT_HERE(update_account, identity::UpdateAccountRequest, identity::Account)
    BV_NOT_HERE(change_password, identity::ChangePasswordRequest, identity::TokenPair)
    BV_NOT_HERE(set_roles, identity::SetRolesRequest, identity::Account)
    BV_NOT_HERE(batch_import_accounts, identity::BatchImportAccountsRequest, identity::BatchImportAccountsResponse)
    BV_NOT_HERE(log_in, identity::LogInRequest, identity::TokenPair)
    BV_NOT_HERE(refresh_session, identity::RefreshSessionRequest, identity::TokenPair)
    BV_NOT_HERE(log_out, identity::LogOutRequest, google::protobuf::Empty)
    BV_NOT_HERE(create_api_key, identity::CreateApiKeyRequest, identity::CreateApiKeyResponse)
    BV_NOT_HERE(list_api_keys, identity::ListApiKeysRequest, identity::ListApiKeysResponse)
    BV_NOT_HERE(revoke_api_key, identity::RevokeApiKeyRequest, google::protobuf::Empty)
    BV_NOT_HERE(get_trust, identity::GetTrustRequest, identity::GetTrustResponse)
    BV_NOT_HERE(check_api_key, identity::CheckApiKeyRequest, identity::CheckApiKeyResponse)
#undef BV_NOT_HERE

private:
    std::mutex mutex_;
    std::map<std::string, std::string> emails_;
    std::atomic<bool> away_{false};
    std::atomic<int> calls_{0};
};

// Remembers what it was given. Thread-safe.
class recording_mailer final : public mailer {
public:
    std::function<result<void>(const mail&)> answer = [](const mail&) -> result<void> { return {}; };
    std::function<void()> before = [] {};

    task<std::vector<result<void>>> send(std::vector<mail> mails, steady_point) override {
        before();
        std::lock_guard lock(mutex_);
        std::vector<result<void>> out;
        for (auto& m : mails) {
            out.push_back(answer(m));
            mails_.push_back(std::move(m));
        }
        co_return out;
    }
    [[nodiscard]] std::vector<mail> sent() const {
        std::lock_guard lock(mutex_);
        return mails_;
    }

private:
    mutable std::mutex mutex_;
    std::vector<mail> mails_;
};

// A database with the schemas of the platform, the audit, orders (its outbox) and notification, and a runtime.
class notification_world {
public:
    explicit notification_world(jobs::policy p = mail_policy) : database(migrated()), mails(db, "notification", "mail", std::move(p)) { cores.start(); }
    ~notification_world() {
        for (std::size_t core = 0; core < cores.cores(); ++core)
            for (auto* d : {&db, &orders_db, &log_db, &admin}) cores.block_on(d->close(), core);
        cores.stop();
        cores.join();
    }

    // One transaction, as the log makes it.
    void consume(std::vector<events::event> batch) { cores.block_on(handle(this, std::move(batch), false)); }
    // The same, rolled back at the end.
    void consume_in_vain(std::vector<events::event> batch) {
        try {
            cores.block_on(handle(this, std::move(batch), true));
        } catch (const std::runtime_error&) {
            // Thrown by handle: it rolls back.
        }
    }
    std::int64_t number(const std::string& query) {
        std::int64_t out = 0;
        cores.block_on(read(this, query, &out));
        return out;
    }
    // Whatever is queued, or leased to a worker, is due.
    void make_due(std::size_t core = 0) { execute("UPDATE notification.jobs SET due_at = now() - interval '1 second'", core); }
    void execute(std::string sql, std::size_t core = 0) { cores.block_on(execute_all(this, std::move(sql)), core); }

    bv::testing::test_database database;
    runtime cores{2};
    bv::testing::fake_clock time;
    pg::database db{database.options("bv_notification"), system_clock()};
    pg::database orders_db{database.options("bv_orders"), system_clock()};
    pg::database log_db{database.options("bv_log"), system_clock()};
    pg::database admin{database.admin_options(), system_clock()};
    postgres_notification_store store{db};
    jobs::pg_job_queue mails;
    tell_buyers tell{store, mails, time};

private:
    static bv::testing::test_database migrated() {
        static constexpr std::array orders_files{embedded_file{"0001_orders.sql", "SELECT platform.create_outbox('{{schema}}');"}};
        static const std::vector<embedded_file> platform_files = [] {
            std::vector<embedded_file> out(pg::platform_migration_files().begin(), pg::platform_migration_files().end());
            out.insert(out.end(), events::migration_files().begin(), events::migration_files().end());
            return out;
        }();
        auto out = bv::testing::postgres::instance().database("notification");
        const std::array sets{pg::migration_set{"platform", platform_files}, pg::migration_set{"log", {}}, audit::service::migrations(),
                              pg::migration_set{"orders", orders_files}, service::migrations()};
        out.migrate(sets);
        return out;
    }
    static task<void> handle_in(notification_world* self, storage::unit_of_work* uow, std::vector<events::event>* batch, bool fail_at_the_end) {
        co_await self->tell(*uow, *batch);
        if (fail_at_the_end) throw std::runtime_error("rolled back");
    }
    static task<void> handle(notification_world* self, std::vector<events::event> batch, bool fail_at_the_end) {
        storage::transaction_options o;
        o.identity = storage::system_identity("service:notification");
        co_await self->db.run(o, [self, &batch, fail_at_the_end](storage::unit_of_work& uow) { return handle_in(self, &uow, &batch, fail_at_the_end); });
    }
    static task<void> execute_in(storage::unit_of_work* uow, std::string sql) { co_await pg::of(*uow).execute(std::move(sql)); }
    static task<void> execute_all(notification_world* self, std::string sql) {
        co_await self->admin.run({}, [&sql](storage::unit_of_work& uow) { return execute_in(&uow, sql); });
    }
    // Statements have static text, so the query's text goes through a function that runs any.
    static task<void> read(notification_world* self, std::string query, std::int64_t* out) {
        static constexpr pg::statement run_any{"test.run_any", "SELECT (xpath('/row/n/text()', query_to_xml($1, false, true, '')))[1]::text::bigint"};
        const auto rows = co_await self->admin.query(run_any, pg::params("SELECT (" + query + ") AS n"));
        *out = rows.front().get<std::int64_t>(0);
    }
};

}  // namespace bv::notification::testing
