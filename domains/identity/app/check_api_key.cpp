#include "domains/identity/app/steps.hpp"
#include "platform/security/api_key.hpp"

namespace bv::identity {

namespace {

constexpr std::chrono::minutes use_precision{10};

std::unexpected<error> no_good() { return fail(code::unauthenticated, "API_KEY_INVALID", "The API key is malformed, unknown, expired or revoked."); }

task<result<api_key>> find_good(environment& env, storage::unit_of_work& uow, security::parsed_api_key presented) {
    auto k = co_await env.keys.find(uow, api_key_id{presented.id});
    const auto now = env.clock.now();
    if (!k || !presented.matches(k->secret) || !k->is_good(now)) co_return no_good();
    if (!k->last_use_at || now - *k->last_use_at >= use_precision) co_await env.keys.touch(uow, k->id, now);
    co_return std::move(*k);
}

}  // namespace

task<result<api_key>> check_api_key(environment& env, std::string text) {
    const auto presented = security::parse_api_key(text);
    if (!presented) co_return no_good();
    storage::transaction_options options;
    options.identity = storage::system_identity("service:identity");
    co_return co_await env.transactor.transact(options, [&](storage::unit_of_work& uow) { return find_good(env, uow, *presented); });
}

}  // namespace bv::identity
