// The identity service for tests: over a database of its own, with a clock that stands still and cheap passwords.
#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include <gtest/gtest.h>

#include "bitvelocity/identity/v1/identity.bv.hpp"
#include "domains/audit/module.hpp"
#include "domains/identity/module.hpp"
#include "platform/events/migrations.hpp"
#include "platform/testing/fake_clock.hpp"
#include "platform/testing/postgres_fixture.hpp"

namespace bv::identity::testing {

namespace contract = bitvelocity::identity::v1;
using bv::testing::fake_clock;

class memory_secrets final : public security::secrets {
public:
    result<std::string> get(std::string_view name) override {
        const std::scoped_lock lock(mutex_);
        const auto found = values_.find(name);
        if (found == values_.end()) return fail(code::not_found, "SECRET_NOT_FOUND", "There is no secret " + std::string(name) + ".");
        return found->second;
    }
    void put(std::string_view name, std::string_view value) override {
        const std::scoped_lock lock(mutex_);
        values_.insert_or_assign(std::string(name), std::string(value));
    }
    std::string get_or_put(std::string_view name, std::string_view value) override {
        const std::scoped_lock lock(mutex_);
        return values_.try_emplace(std::string(name), value).first->second;
    }
    std::string replace(std::string_view name, std::string_view seen, std::string_view value) override {
        const std::scoped_lock lock(mutex_);
        auto& there = values_.try_emplace(std::string(name), value).first->second;
        if (there == seen) there = value;
        return there;
    }
    void remove(std::string_view name) override {
        const std::scoped_lock lock(mutex_);
        if (const auto at = values_.find(name); at != values_.end()) values_.erase(at);
    }
    std::vector<std::string> names() override {
        const std::scoped_lock lock(mutex_);
        std::vector<std::string> out;
        for (const auto& [name, value] : values_) out.push_back(name);
        return out;
    }

private:
    std::mutex mutex_;
    std::map<std::string, std::string, std::less<>> values_;
};

// Keeps the subscriptions and delivers nothing.
class idle_log final : public events::log {
public:
    void subscribe(events::subscription s) override { subscriptions.push_back(std::move(s)); }
    void observe(events::observer) override {}
    task<void> start() override { co_return; }
    task<void> stop() override { co_return; }
    std::vector<events::subscription_status> status() const override { return {}; }
    std::vector<events::subscription> subscriptions;
};

inline const std::vector<embedded_file>& platform_files() {
    static const auto all = [] {
        std::vector<embedded_file> out;
        for (const auto& f : pg::platform_migration_files()) out.push_back(f);
        for (const auto& f : events::migration_files()) out.push_back(f);
        return out;
    }();
    return all;
}

inline bv::testing::test_database fresh_database() {
    auto out = bv::testing::postgres::instance().database("identity");
    out.migrate(std::vector<pg::migration_set>{{"log", {}}, {"platform", platform_files()}, audit::service::migrations(), service::migrations()});
    return out;
}

inline constexpr const char* password = "correct horse battery";

class identity_world : public ::testing::Test {
protected:
    identity_world() : database_(fresh_database()), admin_(database_.admin_options(), system_clock()), db_(database_.options("bv_identity"), system_clock()) {
        runtime_.start();
        service_ = make(log_);
    }
    ~identity_world() override {
        service_.reset();
        for (auto* d : {&admin_, &db_}) run(d->close());
        runtime_.stop();
        runtime_.join();
    }

    static options cheap() {
        options o;
        o.passwords.cost = {.memory_kib = 64, .passes = 1, .lanes = 1};
        o.rules.per_account = {.free_attempts = 3, .first_delay = milliseconds(1'000), .max_delay = milliseconds(60'000), .forget = seconds(3'600)};
        return o;
    }
    // Another process over the same database and secrets.
    std::unique_ptr<service> make(events::log& log, options o = cheap()) {
        return std::make_unique<service>(deps{runtime_, clock_, system_rng(), db_, log, secrets_}, std::move(o));
    }
    template <class T>
    T run(task<T> t) {
        return runtime_.block_on(std::move(t));
    }
    // As the edge calls it: authorised and validated.
    contract::identity_service_client api() { return contract::identity_service_client(*static_cast<contract::identity_service*>(service_->served().service)); }

    static rpc::context anybody(std::string address = "192.0.2.1") {
        rpc::context out;
        out.remote_address = std::move(address);
        return out;
    }
    // Whoever holds this access token.
    rpc::context as(const std::string& access_token) {
        auto who = run(service_->authenticator().bearer(access_token));
        EXPECT_TRUE(who) << (who ? "" : who.error().message);
        auto out = anybody();
        if (who) out.caller = std::move(*who);
        return out;
    }
    static rpc::context as_admin() {
        auto out = anybody();
        out.caller.kind = rpc::caller_kind::api_key;
        out.caller.id = uuid::named("admin");
        out.caller.scopes = {"accounts.admin"};
        return out;
    }

    result<contract::Account> open_account(const std::string& email, const std::string& with = password) {
        contract::RegisterRequest r;
        r.set_email(email);
        r.set_password(with);
        r.set_display_name("Ada Lovelace");
        auto ctx = anybody();
        return run(api().register_(ctx, r));
    }
    result<contract::TokenPair> log_in(const std::string& email, const std::string& with = password, const std::string& address = "192.0.2.1") {
        contract::LogInRequest r;
        r.set_email(email);
        r.set_password(with);
        auto ctx = anybody(address);
        return run(api().log_in(ctx, r));
    }
    result<contract::TokenPair> refresh(const std::string& token) {
        contract::RefreshSessionRequest r;
        r.set_refresh_token(token);
        auto ctx = anybody();
        return run(api().refresh_session(ctx, r));
    }
    result<contract::Account> get(rpc::context ctx, const std::string& id) {
        contract::GetAccountRequest r;
        r.set_id(id);
        return run(api().get_account(ctx, r));
    }
    contract::CreateApiKeyResponse make_key(const std::string& role) {
        contract::CreateApiKeyRequest r;
        r.set_label("test");
        r.add_roles(role);
        auto ctx = as_admin();
        auto made = run(api().create_api_key(ctx, r));
        if (!made) throw failure(made.error());
        return std::move(*made);
    }
    // The reason why a token is refused; empty: it is good.
    std::string refusal(const std::string& access_token) { return refusal(*service_, access_token); }
    std::string refusal(service& at, const std::string& access_token) {
        const auto who = run(at.authenticator().bearer(access_token));
        return who ? "" : who.error().reason;
    }

    // The first column of a query, as the superuser.
    template <class T = std::string>
    T one(std::string_view sql) {
        return run(first<T>(&admin_, keep(sql)));
    }

    // A statement's text must live as long as the database.
    pg::statement keep(std::string_view sql) {
        const auto& text = *texts_.emplace_back(std::make_unique<std::string>(sql));
        const auto& name = *texts_.emplace_back(std::make_unique<std::string>("test." + std::to_string(texts_.size())));
        return {name, text};
    }
    template <class T>
    static task<T> first(pg::database* db, pg::statement s) {
        const auto rows = co_await db->query(s);
        co_return rows.front().template get<T>(0);
    }

    std::vector<std::unique_ptr<std::string>> texts_;
    bv::testing::test_database database_;
    runtime runtime_{1};
    fake_clock clock_;
    memory_secrets secrets_;
    pg::database admin_, db_;
    idle_log log_;
    std::unique_ptr<service> service_;
};

template <class T>
std::string reason(const result<T>& r) {
    return r ? "" : r.error().reason;
}

}  // namespace bv::identity::testing
