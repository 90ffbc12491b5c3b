#include "domains/identity/app/use_cases.hpp"

namespace bv::identity {

namespace {
constexpr int at_once = 1'000;
task<std::int64_t> some(environment& env, storage::unit_of_work& uow, time_point before) {
    const auto sessions = co_await env.sessions.purge(uow, before, at_once);
    co_return sessions + co_await env.throttle.purge(uow, before, at_once);
}
}  // namespace

task<std::int64_t> purge(environment& env, time_point before) {
    storage::transaction_options options;
    options.identity = storage::system_identity("service:identity");
    std::int64_t total = 0;
    for (;;) {
        const auto deleted = co_await env.transactor.transact(options, [&](storage::unit_of_work& uow) { return some(env, uow, before); });
        total += deleted;
        if (deleted < at_once) co_return total;
    }
}

}  // namespace bv::identity
