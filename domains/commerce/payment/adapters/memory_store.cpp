// The writing half: what the consumer, the worker and reconciliation need. The reading half: memory_reads.cpp.
#include "domains/commerce/payment/adapters/memory_store.hpp"

#include <algorithm>
#include <tuple>

namespace bv::payment {

void memory_store::add_refunds(const memory::transaction& tx, payment& p) const {
    std::vector<std::tuple<time_point, std::string, refund>> found;  // in the order of their making, then of their ids
    books_.refunds.scan_after(tx, {p.id, ""}, [&](const std::pair<payment_id, std::string>& k, const memory_books::refund_row& r) {
        if (k.first != p.id) return false;
        found.emplace_back(r.created, k.second, r.value);
        return true;
    });
    std::ranges::sort(found, {}, [](const auto& f) { return std::tie(std::get<0>(f), std::get<1>(f)); });
    p.refunds.clear();
    for (auto& [made, id, r] : found) p.refunds.push_back(std::move(r));
}

task<std::vector<payment>> memory_store::lock(storage::unit_of_work& uow, std::vector<payment_id> ids) {
    auto& tx = memory::of(uow);
    co_await tx.statement();
    std::ranges::sort(ids);
    std::vector<payment> out;
    for (const auto id : ids)
        if (const auto* p = co_await books_.payments.lock(tx, id)) out.push_back(p->value);
    // A statement of its own sees what others wrote while this one waited for its locks.
    co_await tx.statement();
    for (auto& p : out) add_refunds(tx, p);
    co_return out;
}

task<void> memory_store::save_payments(memory::transaction& tx, const changes& c, time_point now) {
    for (const auto& p : c.opened) {
        stored_payment row{p, now, now};
        row.value.refunds.clear();
        const bool is_new = co_await books_.payments.insert(tx, p.id, std::move(row));
        if (!is_new) tx.violate(code::already_exists, "UNIQUE_VIOLATION", "the payment " + p.id.str() + " exists");
    }
    for (const auto& p : c.payments) {
        const auto* found = co_await books_.payments.lock(tx, p.id);
        if (!found) continue;
        stored_payment row{p, found->created, now};
        row.value.refunds.clear();
        books_.payments.put(tx, p.id, std::move(row));
    }
    for (const auto& [id, r] : c.refunds) {
        co_await books_.refunds.upsert(tx, {id, r.id}, {r, now}, [&r](memory_books::refund_row& at) { at.value.state = r.state; });
    }
}

task<void> memory_store::save_operations(memory::transaction& tx, const changes& c, time_point now) {
    for (const auto& o : c.operations) {
        const auto* p = books_.payments.find(tx, o.op.payment);
        if (!p) continue;
        const booked_operation b{.op = o.op, .currency = p->value.amount.currency,
                                 .state = o.leased ? operation_state::in_flight : operation_state::pending, .updated = now, .traceparent = o.traceparent};
        const bool is_new = co_await books_.operations.insert(tx, o.op.key, {b, o.leased ? 1 : 0, o.due});
        if (!is_new) tx.violate(code::already_exists, "UNIQUE_VIOLATION", "the operation " + o.op.key + " exists");
    }
}

task<void> memory_store::insert_entries(memory::transaction& tx, const ledger_transaction& t, time_point now) {
    if (!balanced(t)) tx.violate(code::failed_precondition, "CHECK_VIOLATION", "a ledger transaction does not sum to zero");
    for (const auto& p : t.postings) {
        const auto id = ++books_.entries_drawn;
        const bool is_new = co_await books_.booked_accounts.insert(tx, {t.id, p.account}, id);
        if (!is_new) tx.violate(code::already_exists, "UNIQUE_VIOLATION", "the operation is booked already");
        books_.entries.add(tx, id, ledger_entry{id, t.id, {t.payment}, p.account, {p.amount, t.currency}, t.description, now});
    }
}

// One that is done stays done, whatever comes late.
task<void> memory_store::update_operations(memory::transaction& tx, const changes& c, time_point now) {
    for (const auto& u : c.updates) {
        const auto* found = co_await books_.operations.lock(tx, u.key);
        if (!found || found->b.state == operation_state::done) continue;
        auto row = *found;
        row.b.state = u.state;
        row.b.provider_sequence = u.provider_sequence;
        row.b.succeeded = u.state == operation_state::done && u.succeeded;
        row.b.updated = now;
        row.due = u.state == operation_state::done ? now : u.due;
        books_.operations.put(tx, u.key, std::move(row));
    }
}

task<void> memory_store::save(storage::unit_of_work& uow, const changes& c, time_point now) {
    auto& tx = memory::of(uow);
    co_await tx.statement();
    co_await save_payments(tx, c, now);
    co_await save_operations(tx, c, now);
    for (const auto& t : c.bookings) co_await insert_entries(tx, t, now);
    co_await tx.statement();
    co_await update_operations(tx, c, now);
    for (const auto& f : c.findings) co_await books_.findings.insert(tx, {f.kind, f.key}, f);
}

task<std::vector<claimed_operation>> memory_store::claim(storage::unit_of_work& uow, time_point now, time_point lease_end, int limit) {
    auto& tx = memory::of(uow);
    co_await tx.statement();
    const auto is_due = [now](const memory_books::operation_row& r) {
        return r.b.state != operation_state::done && (r.due <= now || r.due > now + farthest_due);
    };
    std::vector<std::pair<time_point, std::string>> due;
    books_.operations.scan(tx, [&](const std::string& key, const memory_books::operation_row& row) {
        if (is_due(row)) due.emplace_back(row.due, key);
    });
    std::ranges::sort(due);
    std::vector<claimed_operation> out;
    for (const auto& [time, key] : due) {
        if (std::ssize(out) == limit) break;
        const auto* found = books_.operations.try_lock(tx, key);
        if (!found || !is_due(*found)) continue;
        auto row = *found;
        const auto* p = books_.payments.find(tx, row.b.op.payment);
        if (!p) continue;
        out.push_back({.op = row.b.op, .was = row.b.state, .attempts = ++row.attempts, .order = p->value.order, .currency = row.b.currency,
                       .method = p->value.method, .provider_reference = p->value.provider_reference, .traceparent = row.b.traceparent});
        row.b.state = operation_state::in_flight;
        row.b.updated = now;
        row.due = lease_end;
        books_.operations.put(tx, key, std::move(row));
    }
    co_return out;
}

task<void> memory_store::hurry(storage::unit_of_work& uow, std::vector<std::string> keys, time_point now) {
    auto& tx = memory::of(uow);
    co_await tx.statement();
    std::ranges::sort(keys);
    for (const auto& key : keys) {
        const auto* found = co_await books_.operations.lock(tx, key);
        if (!found || found->b.state != operation_state::unknown || found->due <= now) continue;
        auto row = *found;
        row.due = now;
        books_.operations.put(tx, key, std::move(row));
    }
}

task<std::int64_t> memory_store::reconciled_until(storage::unit_of_work& uow) {
    auto& tx = memory::of(uow);
    co_await tx.statement();
    const auto* at = books_.reconciled.find(tx, 0);
    co_return at ? *at : 0;
}

task<void> memory_store::set_reconciled_until(storage::unit_of_work& uow, std::int64_t sequence) {
    auto& tx = memory::of(uow);
    co_await tx.statement();
    co_await books_.reconciled.upsert(tx, 0, sequence, [sequence](std::int64_t& at) { at = std::max(at, sequence); });
}

}  // namespace bv::payment
