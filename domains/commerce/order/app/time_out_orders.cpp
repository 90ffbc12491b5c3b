#include "domains/commerce/order/app/time_out_orders.hpp"

#include <unordered_map>

#include "domains/commerce/order/app/record.hpp"
#include "platform/core/error.hpp"

namespace bv::order {
namespace {

struct job {
    const environment& env;
    std::int64_t limit;
    std::int64_t taken = 0;
    std::vector<change> changes;
};

task<void> run(job& j, storage::unit_of_work& uow) {
    j.changes.clear();
    j.taken = 0;
    const auto now = j.env.clock.now();
    const auto steps = co_await j.env.sagas.find_overdue(uow, now, j.limit);
    j.taken = static_cast<std::int64_t>(steps.size());
    if (steps.empty()) co_return;
    std::vector<order_id> ids;
    for (const auto& s : steps) ids.push_back(s.id);
    co_await j.env.streams.lock(uow, ids);
    std::unordered_map<order_id, order> orders;
    for (auto& o : co_await j.env.streams.load(uow, std::move(ids))) orders.emplace(o.id, std::move(o));

    std::vector<saga_step> ended;
    for (const auto& s : steps) {
        const auto it = orders.find(s.id);
        // Answered since it was found: the step of now has a deadline of its own.
        if (it != orders.end() && awaited(it->second) != s.what && !is_final(it->second.status)) continue;
        auto d = it == orders.end() ? std::expected<decision, refusal>(decision{}) : decide(it->second, time_out{});
        if (!d || d->empty()) {
            ended.push_back({s.id, awaiting::nothing, now});
            continue;
        }
        j.changes.push_back(make_change(std::move(it->second), std::move(*d), now, "service:orders", {}));
    }
    co_await record(j.env, uow, j.changes);
    if (!ended.empty()) co_await j.env.sagas.save(uow, std::move(ended));
}

}  // namespace

task<std::int64_t> time_out_orders(const environment& env, std::int64_t limit) {
    job j{env, limit, 0, {}};
    storage::transaction_options options;
    options.identity = storage::system_identity("service:orders");
    co_await env.db.run(std::move(options), [&j](storage::unit_of_work& uow) { return run(j, uow); });
    count_outcomes(j.changes);
    co_return j.taken;
}

}  // namespace bv::order
