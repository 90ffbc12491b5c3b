#include "domains/identity/app/development_accounts.hpp"
#include "domains/identity/app/steps.hpp"
#include "platform/security/api_key.hpp"
#include "platform/security/policy.hpp"

namespace bv::identity {

namespace {

storage::transaction_options as_service() {
    storage::transaction_options out;
    out.identity = storage::system_identity("service:identity");
    return out;
}

task<void> store(environment& env, storage::unit_of_work& uow, account wanted) {
    if (auto there = co_await env.accounts.find_by_email(uow, wanted.email)) {
        there->password_hash = wanted.password_hash;
        there->updated_at = wanted.updated_at;
        ++there->version;
        co_await env.accounts.save(uow, std::move(*there));
        co_return;
    }
    std::vector<events::outgoing> out;
    out.push_back(registered(env, wanted));
    if (co_await env.accounts.insert(uow, std::move(wanted))) co_await env.outbox.append(uow, std::move(out));
}

task<bool> exists(environment& env, storage::unit_of_work& uow, std::string email) { co_return (co_await env.accounts.find_by_email(uow, std::move(email))).has_value(); }

task<development_account> ensure_person(environment& env, security::secrets& secrets, std::string name, std::vector<std::string> roles) {
    development_account out{name, name + "@bitvelocity.example", {}, "dev." + name + ".password"};
    const auto kept = secrets.get(out.secret_name);
    out.secret = kept ? *kept : secrets.get_or_put(out.secret_name, security::random_secret(12, env.rng));
    if (kept && co_await env.transactor.transact(as_service(), [&](storage::unit_of_work& uow) { return exists(env, uow, out.email); })) co_return out;
    account a{account_id::v7(env.clock, env.rng), out.email, name};
    a.roles = std::move(roles);
    a.created_at = a.updated_at = env.clock.now();
    a.password_hash = co_await env.hasher.hash(out.secret);
    co_await env.transactor.run(as_service(), [&](storage::unit_of_work& uow) { return store(env, uow, a); });
    co_return out;
}

task<development_account> ensure_key(environment& env, security::secrets& secrets, std::string name, std::vector<std::string> roles) {
    const auto secret_name = "dev." + name + ".api_key";
    const auto kept = secrets.get(secret_name);
    const std::string text = kept ? *kept : secrets.get_or_put(secret_name, security::mint_api_key(uuid::v7(env.clock, env.rng), env.rng).text);
    const auto parsed = security::parse_api_key(text);
    if (!parsed) throw failure(code::data_loss, "SECRET_MALFORMED", "The secret " + secret_name + " is no API key: remove it, and a new one is made.");
    const api_key k{api_key_id{parsed->id}, "development " + name, parsed->hash, std::move(roles), env.clock.now()};
    co_await env.transactor.run(as_service(), [&](storage::unit_of_work& uow) { return env.keys.insert(uow, k); });
    co_return development_account{name, "", text, secret_name};
}

}  // namespace

task<std::vector<development_account>> ensure_development_accounts(environment& env, security::secrets& secrets) {
    std::vector<std::string> every_role;
    for (const auto& r : security::roles()) every_role.emplace_back(r.name);
    std::vector<development_account> out;
    out.push_back(co_await ensure_person(env, secrets, "admin", every_role));
    out.push_back(co_await ensure_person(env, secrets, "shopper", {"customer"}));
    out.push_back(co_await ensure_person(env, secrets, "auditor", {"auditor"}));
    out.push_back(co_await ensure_key(env, secrets, "importer", {"importer"}));
    out.push_back(co_await ensure_key(env, secrets, "operator", {"admin"}));
    co_return out;
}

}  // namespace bv::identity
