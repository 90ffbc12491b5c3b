#include "domains/commerce/payment/adapters/memory_store.hpp"

#include <algorithm>

#include "domains/commerce/payment/adapters/memory_database.hpp"

namespace bv::payment {
namespace {

bool visible(storage::unit_of_work& uow, const payment& p) {
    const auto& who = memory_of(uow).identity;
    return who.all_customers || (who.customer && p.customer && p.customer->value == *who.customer);
}

[[noreturn]] void refuse(std::string what) { throw failure(code::already_exists, "CONSTRAINT_VIOLATED", what); }

}  // namespace

template <class Map>
void memory_store::put(storage::unit_of_work& uow, Map& map, const typename Map::key_type& key, typename Map::mapped_type value) {
    const auto at = map.find(key);
    if (at == map.end()) {
        memory_of(uow).on_rollback([&map, key] { map.erase(key); });
        map.emplace(key, std::move(value));
    } else {
        memory_of(uow).on_rollback([&map, key, before = at->second] { map.insert_or_assign(key, before); });
        at->second = std::move(value);
    }
}

task<std::vector<payment>> memory_store::lock(storage::unit_of_work&, std::vector<payment_id> ids) {
    std::sort(ids.begin(), ids.end());
    std::vector<payment> out;
    for (const auto id : ids) {
        if (const auto at = payments_.find(id); at != payments_.end()) out.push_back(at->second.value);
    }
    co_return out;
}

void memory_store::insert(storage::unit_of_work& uow, const ledger_transaction& t, time_point now) {
    if (!balanced(t)) refuse("a ledger transaction does not sum to zero");
    for (const auto& [id, e] : entries_) {
        if (e.transaction == t.id) refuse("the operation is booked already");
    }
    for (const auto& p : t.postings) {
        const auto id = entries_.empty() ? 1 : entries_.rbegin()->first + 1;
        put(uow, entries_, id, ledger_entry{id, t.id, {t.payment}, p.account, {p.amount, t.currency}, t.description, now});
    }
}

task<void> memory_store::save(storage::unit_of_work& uow, const changes& c, time_point now) {
    for (const auto& p : c.payments) {
        const auto at = payments_.find(p.id);
        put(uow, payments_, p.id, {p, at == payments_.end() ? now : at->second.created, now});
    }
    for (const auto& o : c.operations) {
        if (operations_.contains(o.op.key)) refuse("the operation " + o.op.key + " exists");
        const booked_operation b{.op = o.op, .currency = payments_.at(o.op.payment).value.amount.currency, .updated = now, .traceparent = o.traceparent};
        put(uow, operations_, o.op.key, {b, 0, o.due});
    }
    for (const auto& t : c.bookings) insert(uow, t, now);
    for (const auto& u : c.updates) {
        auto row = operations_.at(u.key);
        if (row.b.state == operation_state::done) continue;
        row.b.state = u.state;
        row.b.provider_sequence = u.provider_sequence;
        row.b.succeeded = u.state == operation_state::done && u.succeeded;
        row.b.updated = now;
        row.due = u.due;
        put(uow, operations_, u.key, row);
    }
    for (const auto& f : c.findings) {
        const std::pair key{f.kind, f.key};
        if (!findings_.contains(key)) put(uow, findings_, key, f);
    }
    co_return;
}

task<std::vector<claimed_operation>> memory_store::claim(storage::unit_of_work& uow, time_point now, time_point lease_end, int limit) {
    std::vector<std::pair<time_point, std::string>> due;
    for (const auto& [key, row] : operations_) {
        const bool is_due = row.due <= now || row.due > now + farthest_due;
        if (row.b.state != operation_state::done && is_due) due.emplace_back(row.due, key);
    }
    std::sort(due.begin(), due.end());
    if (due.size() > static_cast<std::size_t>(limit)) due.resize(static_cast<std::size_t>(limit));
    std::vector<claimed_operation> out;
    for (const auto& [time, key] : due) {
        auto row = operations_.at(key);
        const auto& p = payments_.at(row.b.op.payment).value;
        out.push_back({.op = row.b.op, .was = row.b.state, .attempts = ++row.attempts, .order = p.order, .currency = row.b.currency,
                       .method = p.method, .provider_reference = p.provider_reference, .traceparent = row.b.traceparent});
        row.b.state = operation_state::in_flight;
        row.b.updated = now;
        row.due = lease_end;
        put(uow, operations_, key, row);
    }
    co_return out;
}

task<void> memory_store::hurry(storage::unit_of_work& uow, std::vector<std::string> keys, time_point now) {
    for (const auto& key : keys) {
        const auto at = operations_.find(key);
        if (at == operations_.end() || at->second.b.state != operation_state::unknown || at->second.due <= now) continue;
        auto row = at->second;
        row.due = now;
        put(uow, operations_, key, row);
    }
    co_return;
}

task<std::optional<time_point>> memory_store::next_due(storage::unit_of_work&) {
    std::optional<time_point> out;
    for (const auto& [key, row] : operations_) {
        if (row.b.state != operation_state::done && (!out || row.due < *out)) out = row.due;
    }
    co_return out;
}

task<std::vector<booked_operation>> memory_store::booked(storage::unit_of_work&, std::vector<std::string> keys) {
    std::vector<booked_operation> out;
    for (const auto& key : keys) {
        if (const auto at = operations_.find(key); at != operations_.end()) out.push_back(at->second.b);
    }
    co_return out;
}

task<std::vector<booked_operation>> memory_store::booked_between(storage::unit_of_work&, std::int64_t after, std::int64_t until, int limit) {
    std::vector<booked_operation> out;
    for (const auto& [key, row] : operations_) {
        const auto n = row.b.provider_sequence;
        if (row.b.state == operation_state::done && n > after && n <= until) out.push_back(row.b);
    }
    std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.provider_sequence < b.provider_sequence; });
    if (out.size() > static_cast<std::size_t>(limit)) out.resize(static_cast<std::size_t>(limit));
    co_return out;
}

task<std::int64_t> memory_store::reconciled_until(storage::unit_of_work&) { co_return reconciled_until_; }

task<void> memory_store::set_reconciled_until(storage::unit_of_work& uow, std::int64_t sequence) {
    memory_of(uow).on_rollback([this, before = reconciled_until_] { reconciled_until_ = before; });
    reconciled_until_ = std::max(reconciled_until_, sequence);
    co_return;
}

task<std::vector<finding>> memory_store::findings(storage::unit_of_work&, int limit) {
    std::vector<finding> out;
    for (const auto& [key, f] : findings_) {
        if (out.size() < static_cast<std::size_t>(limit)) out.push_back(f);
    }
    co_return out;
}

task<std::optional<stored_payment>> memory_store::find(storage::unit_of_work& uow, payment_id id) {
    const auto at = payments_.find(id);
    if (at == payments_.end() || !visible(uow, at->second.value)) co_return std::nullopt;
    co_return at->second;
}

task<std::vector<stored_payment>> memory_store::list(storage::unit_of_work& uow, payment_filter f, std::optional<page_position> after, int limit) {
    std::vector<stored_payment> out;
    for (const auto& [id, s] : payments_) {
        const bool wanted = (!f.customer || s.value.customer == f.customer) && (!f.status || s.value.status == *f.status);
        const bool beyond = !after || std::pair(s.created, id.value) < std::pair(after->time, after->id);
        if (wanted && beyond && visible(uow, s.value)) out.push_back(s);
    }
    std::sort(out.begin(), out.end(),
              [](const auto& a, const auto& b) { return std::pair(a.created, a.value.id) > std::pair(b.created, b.value.id); });
    if (out.size() > static_cast<std::size_t>(limit)) out.resize(static_cast<std::size_t>(limit));
    co_return out;
}

task<std::vector<ledger_entry>> memory_store::entries(storage::unit_of_work& uow, entry_filter f, std::int64_t after, int limit) {
    std::vector<ledger_entry> out;
    if (!memory_of(uow).identity.all_customers) co_return out;
    for (auto at = entries_.upper_bound(after); at != entries_.end() && out.size() < static_cast<std::size_t>(limit); ++at) {
        const auto& e = at->second;
        if ((!f.payment || e.payment == *f.payment) && (f.account.empty() || e.account == f.account)) out.push_back(e);
    }
    co_return out;
}

task<std::vector<account_balance>> memory_store::balances(storage::unit_of_work& uow) {
    std::map<std::pair<std::string, bv::currency>, std::int64_t> sums;
    if (memory_of(uow).identity.all_customers) {
        for (const auto& [id, e] : entries_) sums[{e.account, e.amount.currency}] += e.amount.minor;
    }
    std::vector<account_balance> out;
    for (const auto& [key, sum] : sums) out.push_back({key.first, {sum, key.second}});
    co_return out;
}

}  // namespace bv::payment
