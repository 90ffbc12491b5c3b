#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "domains/commerce/order/app/errors.hpp"
#include "domains/commerce/order/app/place_order.hpp"
#include "domains/commerce/order/app/record.hpp"
#include "platform/telemetry/metrics.hpp"

namespace bv::order {
namespace {

constexpr int max_attempts = 8;

using reference_key = std::pair<customer_id, std::string>;

struct batch {
    const environment& env;
    const std::vector<placement>& wanted;
    std::vector<result<order>> answers;
    std::vector<change> changes;
    std::vector<external_reference> references;
    std::map<order_id, order> existing;        // by id, of this batch too
    std::map<reference_key, order_id> taken;   // of this batch too
    // After a conflict any of the orders may be there: a commit whose answer was lost is tried again.
    bool any_may_exist = false;
};

// The same request, whatever the catalogue says by now.
bool same_content(const order& o, const order_placed& e) {
    const auto same_line = [](const line& a, const line& b) { return a.sku == b.sku && a.quantity == b.quantity; };
    return o.customer == e.customer && o.currency == e.currency && o.payment_method == e.payment_method &&
           o.external_reference == e.external_reference && std::ranges::equal(o.lines, e.lines, same_line);
}

result<order> repeated(const order& o, const order_placed& e) {
    if (same_content(o, e)) return o;
    return fail(code::invalid_argument, "IDEMPOTENCY_KEY_REUSED",
                "this Idempotency-Key belongs to the order " + o.id.str() + ", which is another; use a new key for a new order");
}

std::unexpected<error> reference_taken(const std::string& reference, order_id by) {
    return std::unexpected(error{code::already_exists, "EXTERNAL_REFERENCE_TAKEN",
                                 fmt::format("the external reference \"{}\" is that of order {}", reference, by.str()),
                                 {{"externalReference", "is taken by order " + by.str()}}, {}});
}

// What of the batch is there already.
task<void> look_up(batch& b, storage::unit_of_work& uow) {
    std::vector<order_id> ids;
    std::vector<external_reference> references;
    for (const auto& p : b.wanted) {
        if (p.derived || b.any_may_exist) ids.push_back(p.what.id);
        if (!p.what.external_reference.empty()) references.push_back({p.what.customer, p.what.external_reference, {}});
    }
    if (!ids.empty()) {
        for (auto& o : co_await b.env.streams.load(uow, std::move(ids))) b.existing.emplace(o.id, o);
    }
    if (!references.empty()) {
        for (auto& r : co_await b.env.streams.find_claimed(uow, std::move(references)))
            b.taken.emplace(reference_key{r.customer, r.text}, r.id);
    }
}

result<order> admit(batch& b, const placement& p) {
    const auto& e = p.what;
    if (const auto it = b.existing.find(e.id); it != b.existing.end()) return repeated(it->second, e);
    if (!e.external_reference.empty()) {
        const auto [it, free] = b.taken.try_emplace({e.customer, e.external_reference}, e.id);
        if (!free) return reference_taken(e.external_reference, it->second);
        b.references.push_back({e.customer, e.external_reference, e.id});
    }
    b.changes.push_back(make_change(order{}, decision{{e}, {e}}, b.env.clock.now(), p.actor, p.traceparent));
    return b.existing.emplace(e.id, b.changes.back().after).first->second;
}

task<void> run(batch& b, storage::unit_of_work& uow) {
    b.answers.clear();
    b.changes.clear();
    b.references.clear();
    b.existing.clear();
    b.taken.clear();
    co_await look_up(b, uow);
    for (const auto& p : b.wanted) b.answers.push_back(admit(b, p));
    if (!b.references.empty()) co_await b.env.streams.claim(uow, b.references);
    co_await record(b.env, uow, b.changes);
}

// False when another writer was faster.
task<bool> attempt(batch& b) {
    storage::transaction_options options;
    // The callers are many, so the transaction is the service's own; each event keeps its actor and trace.
    options.identity = storage::system_identity("service:orders", b.wanted.front().traceparent);
    if (b.wanted.size() == 1) options.identity.actor = b.wanted.front().actor;
    try {
        co_await b.env.db.run(std::move(options), [&b](storage::unit_of_work& uow) { return run(b, uow); });
        co_return true;
    } catch (const failure& e) {
        if (!is_order_changed(e.error())) throw;
    }
    b.any_may_exist = true;
    co_return false;
}

}  // namespace

task<std::vector<result<order>>> place_orders(const environment& env, std::vector<placement> wanted) {
    static auto& placed = telemetry::count("bv_orders_placed_total", "Orders accepted");
    if (wanted.empty()) co_return std::vector<result<order>>{};
    batch b{env, wanted, {}, {}, {}, {}, {}, false};
    for (int i = 0; i < max_attempts; ++i) {
        if (!co_await attempt(b)) continue;
        placed.add(b.changes.size());
        co_return std::move(b.answers);
    }
    throw order_changed();
}

}  // namespace bv::order
