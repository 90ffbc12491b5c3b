#include "domains/commerce/order/app/change_order.hpp"

#include "domains/commerce/order/app/errors.hpp"
#include "domains/commerce/order/app/record.hpp"

namespace bv::order {
namespace {

constexpr int max_attempts = 8;

struct job {
    const environment& env;
    const rpc::context& ctx;
    order_id id;
    const decider& decide;
    std::vector<change> done;  // of the last run
};

task<result<order>> run(job& j, storage::unit_of_work& uow) {
    j.done.clear();
    const std::vector<order_id> one(1, j.id);
    co_await j.env.streams.lock(uow, one);
    auto found = co_await j.env.streams.load(uow, one);
    if (found.empty()) co_return not_found(j.id);
    auto& o = found.front();
    if (const auto match = j.ctx.require_match(std::to_string(o.version)); !match) co_return std::unexpected(match.error());
    auto d = j.decide(o);
    if (!d) co_return std::unexpected(to_error(d.error()));
    if (d->empty()) co_return std::move(o);
    j.done.push_back(make_change(std::move(o), std::move(*d), j.env.clock.now(), j.ctx.caller.actor(), j.ctx.trace.traceparent()));
    co_await record(j.env, uow, j.done);
    co_return j.done.front().after;
}

// Nothing when another writer was faster.
task<std::optional<result<order>>> attempt(job& j) {
    storage::transaction_options options;
    options.identity = j.ctx.identity("orders.write.any");
    options.deadline = j.ctx.deadline;
    try {
        co_return co_await j.env.db.transact(options, [&j](storage::unit_of_work& uow) { return run(j, uow); });
    } catch (const failure& e) {
        if (!is_order_changed(e.error())) throw;
    }
    co_return std::nullopt;
}

}  // namespace

task<result<order>> change_order(const environment& env, rpc::context& ctx, order_id id, decider decide) {
    job j{env, ctx, id, decide, {}};
    for (int i = 0; i < max_attempts; ++i) {
        auto out = co_await attempt(j);
        if (!out) continue;
        count_outcomes(j.done);
        if (*out) ctx.etag = std::to_string((*out)->version);
        co_return std::move(*out);
    }
    co_return std::unexpected(order_changed().error());
}

}  // namespace bv::order
