// The payment service with a private PostgreSQL, a real provider in this process, and a hand-driven event log.
#pragma once

#include <condition_variable>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <unistd.h>

#include "bitvelocity/commerce/order/v1/events.pb.h"
#include "bitvelocity/commerce/payment/v1/events.pb.h"
#include "domains/commerce/payment/adapters/postgres_store.hpp"
#include "domains/commerce/payment/module.hpp"
#include "domains/commerce/payment/provider/provider.hpp"
#include "domains/commerce/payment/testing/migrations.hpp"
#include "platform/net/http/server.hpp"
#include "platform/security/hmac_signature.hpp"
#include "platform/testing/postgres_fixture.hpp"

namespace bv::payment::testing {

namespace orders = bitvelocity::commerce::order::v1;
namespace told = bitvelocity::commerce::payment::v1;

// Delivers what a test hands it, through the consumer's own transaction, as the real log does.
class hand_driven_log final : public events::log {
public:
    void subscribe(events::subscription s) override { subscription_ = std::move(s); }
    void observe(events::observer) override {}
    task<void> start() override { co_return; }
    task<void> stop() override { co_return; }
    [[nodiscard]] std::vector<events::subscription_status> status() const override { return {}; }

    task<void> deliver(std::vector<events::event> batch) {
        const storage::transaction_options as{.identity = storage::system_identity("service:payment")};
        co_await subscription_.store->run(as, [&](storage::unit_of_work& uow) { return subscription_.handler(uow, batch); });
    }

private:
    events::subscription subscription_;
};

struct published {
    std::string type, key, payload;
};

class payment_world : public ::testing::Test {
protected:
    payment_world() {
        machine_.start();
        calls_in_.start();
    }
    ~payment_world() override {
        stop_service();
        machine_.block_on(calls_in_.drain(milliseconds(200)));
        stop_provider();
        for (std::size_t core = 0; core < machine_.cores(); ++core) {
            machine_.block_on(admin_.close(), core);
            machine_.block_on(db_.close(), core);
        }
        std::filesystem::remove_all(folder_);
    }

    void start_provider(payment_provider::behaviour how = {}) {
        payment_provider::options o{.port = provider_port_, .journal_file = folder_ / "journal", .sync = false, .api_key = "key", .behaviour = how};
        if (provider_calls_back_)
            o.callback = {.url = "http://127.0.0.1:" + std::to_string(calls_in_.port()) + "/callback", .secret = "secret", .gather = milliseconds(1)};
        provider_ = std::make_unique<payment_provider::server>(machine_, system_clock(), std::move(o));
        machine_.block_on(started(provider_.get()));
        provider_port_ = provider_->port();
    }
    void stop_provider() {
        if (provider_) machine_.block_on(provider_->stop(milliseconds(100)));
        provider_.reset();
    }
    // The provider's port must be known: start the provider first, or once.
    void start_service(milliseconds call_timeout = milliseconds(2'000)) {
        options o{.callback_secret = "secret", .core = 1};
        o.provider = {.port = provider_port_, .api_key = "key", .timeout = call_timeout, .open_for = milliseconds(100)};
        o.worker.lease = milliseconds(1'000);
        o.worker.pause = milliseconds(20);
        o.reconciliation.grace = milliseconds(0);
        service_ = std::make_unique<service>(deps{machine_, system_clock(), system_rng(), db_, log_}, std::move(o));
        machine_.block_on(service_->lifecycle().start());
        const std::lock_guard lock(mutex_);
        callback_ = service_->routes().front().handler;
    }
    void stop_service() {
        {
            const std::lock_guard lock(mutex_);
            callback_ = nullptr;
        }
        if (service_) machine_.block_on(service_->lifecycle().stop());
        service_.reset();
    }

    // Events of the order service.
    template <class Message>
    events::event an_event(const Message& m) {
        return {.position = ++position_, .source = "orders", .id = uuid::v7(system_clock(), system_rng()), .type = std::string(m.GetTypeName()),
                .key = m.order_id(), .payload = m.SerializeAsString()};
    }
    events::event requested(order_id order, std::int64_t amount, const std::string& method, customer_id customer = {uuid::named("customer")}) {
        orders::PaymentRequested m;
        m.set_order_id(order.str());
        m.set_customer_id(customer.str());
        m.set_payment_method(method);
        set(*m.mutable_amount(), amount);
        return an_event(m);
    }
    events::event capture(order_id order, std::int64_t amount) {
        orders::CaptureRequested m;
        m.set_order_id(order.str());
        set(*m.mutable_amount(), amount);
        return an_event(m);
    }
    events::event undo(order_id order) {
        orders::VoidRequested m;
        m.set_order_id(order.str());
        return an_event(m);
    }
    events::event give_back(order_id order, const std::string& refund_id, std::int64_t amount) {
        orders::RefundRequested m;
        m.set_order_id(order.str());
        m.set_refund_id(refund_id);
        set(*m.mutable_amount(), amount);
        return an_event(m);
    }
    void deliver(std::vector<events::event> batch) { machine_.block_on(log_.deliver(std::move(batch))); }

    order_id an_order() { return {uuid::v7(system_clock(), system_rng())}; }

    std::optional<stored_payment> find(order_id order) {
        return machine_.block_on(find_in(payment_of(order), storage::system_identity("test")));
    }
    task<std::optional<stored_payment>> find_in(payment_id id, storage::identity who) {
        const storage::transaction_options as{.identity = std::move(who), .read_only = true};
        co_return co_await db_.transact(as, [&](storage::unit_of_work& uow) { return store_.find(uow, id); });
    }
    std::vector<account_balance> balances() { return machine_.block_on(read_balances()); }
    task<std::vector<account_balance>> read_balances() {
        const storage::transaction_options as{.identity = storage::system_identity("test"), .read_only = true};
        co_return co_await db_.transact(as, [&](storage::unit_of_work& uow) { return store_.balances(uow); });
    }
    std::int64_t balance(std::string_view account) {
        for (const auto& b : balances()) {
            if (b.account == account) return b.balance.minor;
        }
        return 0;
    }

    // A number from a query as the superuser.
    std::int64_t number(std::string_view sql) { return machine_.block_on(read_number(sql)); }
    task<std::int64_t> read_number(std::string_view sql) {
        // A prepared statement's name has room for 63 characters.
        const auto statement_name = "test." + uuid::named(sql).str();
        const auto found = co_await admin_.query(pg::statement{statement_name, sql});
        co_return found.front().get<std::int64_t>(0);
    }
    std::vector<published> outbox(order_id order) { return machine_.block_on(read_outbox(order)); }
    task<std::vector<published>> read_outbox(order_id order) {
        static constexpr pg::statement sql{"test.outbox", "SELECT type, key, payload FROM payment.outbox WHERE key = $1 ORDER BY position"};
        const auto found = co_await admin_.query(sql, pg::params(order.str()));
        std::vector<published> out;
        for (const auto r : found) {
            const auto type = r.get<std::string>(0);
            out.push_back({type.substr(type.rfind('.') + 1), r.get<std::string>(1), r.get<pg::bytes>(2).data});
        }
        co_return out;
    }
    std::vector<std::string> told_of(order_id order) {
        std::vector<std::string> out;
        for (const auto& p : outbox(order)) out.push_back(p.type);
        return out;
    }

    // Plain SQL as the superuser, and as the service with all customers' rows.
    task<void> execute(std::string sql) { return run_sql(admin_, std::move(sql)); }
    task<void> as_service(std::string sql) { return run_sql(db_, std::move(sql)); }
    static task<void> run_sql(pg::database& db, std::string sql) {
        const storage::transaction_options as{.identity = storage::system_identity("test")};
        co_await db.run(as, [&sql](storage::unit_of_work& uow) { return pg::of(uow).execute(sql); });
    }
    // The status that the call-back route answers.
    int call_back(const std::string& body, std::string_view secret) {
        http::request r{.verb = http::verb::post, .body = body};
        r.headers.add(security::signature_header, security::sign_body(secret, body, system_clock().now()));
        return machine_.block_on(callback_(r)).status;
    }

    template <class Condition>
    bool eventually(Condition condition) {
        for (int i = 0; i < 4'000; ++i) {
            if (condition()) return true;
            std::this_thread::sleep_for(milliseconds(5));
        }
        return false;
    }
    bool comes_to(order_id order, payment_status s) {
        return eventually([&] {
            const auto p = find(order);
            return p && p->value.status == s;
        });
    }
    bool settles() {
        return eventually([&] { return number("SELECT count(*) FROM payment.operations WHERE state <> 'done'") == 0; });
    }
    // Our books and the provider's, operation by operation and in total.
    reconciliation compared() {
        EXPECT_TRUE(settles());
        return machine_.block_on(service_->reconcile(true), 1);
    }

    static void set(bitvelocity::type::v1::Money& to, std::int64_t amount) {
        to.set_currency("GBP");
        to.set_minor_units(amount);
    }
    template <class T>
    static task<void> started(T* t) {
        t->start();
        co_return;
    }
    static task<http::response> pass_on(payment_world* self, http::request* r) {
        http::handler to;
        {
            const std::lock_guard lock(self->mutex_);
            to = self->callback_;
        }
        if (!to) co_return http::response{.status = 503};
        co_return co_await to(*r);
    }

    runtime machine_{2};
    std::filesystem::path folder_ = std::filesystem::temp_directory_path() / ("bv-payment-test-" + std::to_string(::getpid()));
    bv::testing::test_database database_ = migrated_database();
    pg::database admin_{database_.admin_options(), system_clock()};
    pg::database db_{database_.options("bv_payment"), system_clock()};
    hand_driven_log log_;
    postgres_store store_;
    std::mutex mutex_;
    http::handler callback_;
    bool provider_calls_back_ = true;  // read by start_provider
    http::server calls_in_{machine_, {}, [this](http::request& r) { return pass_on(this, &r); }};
    std::uint16_t provider_port_ = 0;
    std::unique_ptr<payment_provider::server> provider_;
    std::unique_ptr<service> service_;
    std::int64_t position_ = 0;
};

}  // namespace bv::payment::testing
