#include "domains/commerce/order/app/project_orders.hpp"

namespace bv::order {
namespace {

struct job {
    const environment& env;
    std::int64_t batch;
    order_id after{};
    bool done = false;
    rebuilt found;  // by the last run
};

task<void> empty(const environment& env, storage::unit_of_work& uow) {
    co_await env.projections.lock(uow);
    co_await env.projections.clear(uow);
}

order fold(const event_stream& s) {
    order o;
    for (const auto& e : s.events) o = evolve(std::move(o), e.what, e.at);
    return o;
}

task<void> fold_batch(job& j, storage::unit_of_work& uow) {
    j.found = {};
    co_await j.env.projections.lock(uow);
    const auto streams = co_await j.env.streams.scan(uow, j.after, j.batch);
    std::vector<projected_order> rows;
    for (const auto& s : streams) {
        rows.push_back(to_projection(fold(s)));
        j.found.events += std::ssize(s.events);
    }
    j.found.orders = std::ssize(streams);
    j.done = streams.empty();
    if (!rows.empty()) co_await j.env.projections.project(uow, std::move(rows));
    if (!streams.empty()) j.after = streams.back().id;
}

storage::transaction_options options() {
    storage::transaction_options out;
    out.identity = storage::system_identity("service:orders");
    return out;
}

}  // namespace

task<rebuilt> rebuild_projections(const environment& env, std::function<void(const rebuilt&)> report, std::int64_t batch) {
    co_await env.db.run(options(), [&env](storage::unit_of_work& uow) { return empty(env, uow); });
    rebuilt total;
    job j{env, batch, {}, false, {}};
    while (!j.done) {
        const auto from = j.after;
        co_await env.db.run(options(), [&j, from](storage::unit_of_work& uow) {
            j.after = from;  // a run that is repeated starts where the first did
            return fold_batch(j, uow);
        });
        total.orders += j.found.orders;
        total.events += j.found.events;
        if (report) report(total);
    }
    co_return total;
}

}  // namespace bv::order
