#include "domains/identity/app/use_cases.hpp"

namespace bv::identity {

task<void> load_revocations(environment& env, storage::unit_of_work& uow, time_point since) {
    for (const auto& r : co_await env.revocations.since(uow, since)) {
        if (r.what == revocation::kind::session)
            env.revoked.revoke_session(r.id.str(), env.tokens.all_out(r.at));
        else
            env.revoked.revoke_subject(r.id.str(), r.at, env.tokens.all_out(r.at));
    }
}

task<void> load_revocations(environment& env, time_point since) {
    storage::transaction_options options;
    options.identity = storage::system_identity("service:identity");
    options.read_only = true;
    co_await env.transactor.run(options, [&](storage::unit_of_work& uow) { return load_revocations(env, uow, since); });
}

}  // namespace bv::identity
