#include "domains/identity/module.hpp"

#include <atomic>

#include "bitvelocity/identity/v1/events.pb.h"
#include "domains/identity/adapters/api.hpp"
#include "domains/identity/adapters/oauth.hpp"
#include "domains/identity/adapters/postgres_stores.hpp"
#include "domains/identity/app/encryption_keys.hpp"
#include "domains/identity/app/signing_keys.hpp"
#include "platform/events/pg_outbox.hpp"
#include "platform/rpc/auth/caching_authenticator.hpp"
#include "platform/runtime/scope.hpp"
#include "platform/storage/postgres/lease_store.hpp"
#include "platform/storage/rounds.hpp"
#include "platform/telemetry/log.hpp"

namespace bv::identity {

std::span<const bv::embedded_file> migration_files();

namespace {

// Looked at again each time: a transaction may commit that much after the time that it wrote.
constexpr seconds overlap{60};

task<result<rpc::known_api_key>> know_api_key(environment* env, std::string text) {
    auto found = co_await check_api_key(*env, std::move(text));
    if (!found) co_return std::unexpected(std::move(found.error()));
    co_return rpc::known_api_key{found->id.value, std::move(found->roles), found->expires_at};
}

}  // namespace

struct service::impl {
    impl(deps given, options chosen)
        : d(given), o(std::move(chosen)), fields(d.secrets, "identity", d.clock, d.rng), keys(d.secrets, d.clock, d.rng),
          outbox("identity", [log = &d.log] { log->wake(); }), accounts(fields), throttle(fields), hasher(o.passwords),
          tokens(o.tokens, keys.ring(), d.clock, d.rng),
          env{d.db, accounts, sessions, api_keys, throttle, revocations, outbox, hasher, tokens, revoked, d.clock, d.rng, o.rules},
          endpoint(env, keys.ring()),
          caller({.expected = {o.tokens.issuer, o.tokens.audience}, .key_life = o.api_key_cache_life}, keys.ring(), revoked, d.clock,
                 [e = &env](std::string key) { return know_api_key(e, std::move(key)); }) {
        d.log.subscribe({.group = "identity-revocations",
                         .source = "identity",
                         .types = {contract::SessionsEnded::descriptor()->full_name(), contract::AccountRolesChanged::descriptor()->full_name(),
                                   contract::ApiKeyRevoked::descriptor()->full_name()},
                         .handler = [this](storage::unit_of_work& uow, std::span<const events::event>) { return load_revocations(env, uow, env.clock.now() - overlap); },
                         .store = &d.db,
                         .leases = &leases,
                         .consumer = "identity",
                         .repeatable = true});  // it reads what is revoked now, whatever the event says
    }

    task<void> follow() {
        const auto now = d.clock.now();
        co_await load_revocations(env, followed_until.load() - overlap);
        followed_until = now;
        revoked.sweep(now);
        co_await d.secrets.refresh();
        keys.reload();
        fields.reload();
    }
    task<void> maintain() {
        if (co_await identity::rotate_keys(env, keys, o.key_life)) telemetry::info("identity.signing_key_rotated", {{"kid", keys.ring().active_key()}});
        const auto purged = co_await purge(env, d.clock.now() - o.keep_ended);
        if (purged > 0) telemetry::info("identity.purged", {{"count", purged}});
    }

    static task<void> follow_on(impl* self) {
        while (!self->jobs.stopping()) {
            co_await self->d.clock.sleep_for(self->o.revocation_interval);
            try {
                co_await self->follow();
            } catch (const failure& f) {
                telemetry::warn("identity.revocations_not_seen", {{"reason", f.error().reason}});
            }
        }
    }
    static task<void> maintain_on(impl* self) {
        while (!self->jobs.stopping()) {
            try {
                co_await storage::once_in(self->leases, "identity:maintenance", self->o.maintenance_interval, [self] { return self->maintain(); });
            } catch (const failure& f) {
                telemetry::warn("identity.maintenance_failed", {{"reason", f.error().reason}});
            }
            co_await self->d.clock.sleep_for(self->o.maintenance_interval);
        }
    }
    static task<void> start(impl* self) {
        // What was revoked before this process started, as long as tokens of then may be about.
        const auto now = self->d.clock.now();
        self->followed_until = now - (self->tokens.all_out(now) - now);
        co_await self->follow();
        const auto executor = co_await asio::this_coro::executor;
        self->jobs.spawn(executor, follow_on(self));
        self->jobs.spawn(executor, maintain_on(self));
    }
    static task<void> stop(impl* self) {
        self->jobs.stop();
        co_await self->jobs.join();
    }

    deps d;
    options o;
    security::field_keys fields;
    signing_keys keys;
    events::pg_outbox outbox;
    postgres_account_store accounts;
    postgres_session_store sessions;
    postgres_api_key_store api_keys;
    postgres_throttle_store throttle;
    postgres_revocation_store revocations;
    security::password_hasher hasher;
    security::revocations revoked;
    token_issuer tokens;
    environment env;
    api endpoint;
    rpc::caching_authenticator caller;
    pg::lease_store leases{d.db, "identity"};
    std::atomic<time_point> followed_until{};
    scope jobs{"identity"};
};

service::service(deps d, options o) : impl_(std::make_unique<impl>(d, std::move(o))) {}
service::~service() = default;

rpc::served service::served() { return contract::serve(impl_->endpoint); }
std::vector<rpc::raw_route> service::raw_routes() { return oauth_routes(impl_->env, impl_->keys.ring()); }
rpc::authenticator& service::authenticator() { return impl_->caller; }

bv::module service::lifecycle() {
    auto* self = impl_.get();
    return {.name = "identity",
            .needs = {"database", "events"},
            .start = [self] { return impl::start(self); },
            .stop = [self] { return impl::stop(self); }};
}

pg::migration_set service::migrations() { return {"identity", migration_files()}; }

task<void> service::rotate_keys() { co_await identity::rotate_keys(impl_->env, impl_->keys, std::nullopt); }
task<std::vector<encryption_key>> service::encryption_keys() { return list_encryption_keys(impl_->env, impl_->fields); }
task<std::uint32_t> service::rotate_encryption_key() { return identity::rotate_encryption_key(impl_->env, impl_->fields); }
task<encrypted_again> service::encrypt_again(account_id after, int limit) { return encrypt_accounts_again(impl_->env, after, limit); }
task<result<void>> service::retire_encryption_key(std::uint32_t id) {
    // Others see a new key within the interval; what they began before takes no longer than a request.
    return identity::retire_encryption_key(impl_->env, impl_->fields, id, impl_->o.longest_request + 2 * impl_->o.revocation_interval);
}
std::span<const std::string_view> service::encrypted_columns() noexcept {
    static constexpr std::string_view columns[]{"email", "display_name"};
    return columns;
}
task<std::vector<development_account>> service::ensure_development_accounts() {
    return identity::ensure_development_accounts(impl_->env, impl_->d.secrets);
}
task<void> service::maintain() { return impl_->maintain(); }
task<void> service::follow() { return impl_->follow(); }

}  // namespace bv::identity
