// The reading half of memory_store: what the API and reconciliation show.
#include <algorithm>

#include "domains/commerce/payment/adapters/memory_store.hpp"

namespace bv::payment {
namespace {

bool visible(const memory::transaction& tx, const payment& p) { return tx.sees_all() || (p.customer && tx.sees(p.customer->value)); }

}  // namespace

task<std::optional<time_point>> memory_store::next_due(storage::unit_of_work& uow) {
    auto& tx = memory::of(uow);
    co_await tx.statement();
    std::optional<time_point> out;
    books_.operations.scan(tx, [&](const std::string&, const memory_books::operation_row& row) {
        if (row.b.state != operation_state::done && (!out || row.due < *out)) out = row.due;
    });
    co_return out;
}

task<std::vector<booked_operation>> memory_store::booked(storage::unit_of_work& uow, std::vector<std::string> keys) {
    auto& tx = memory::of(uow);
    co_await tx.statement();
    std::vector<booked_operation> out;
    for (const auto& key : keys)
        if (const auto* row = books_.operations.find(tx, key)) out.push_back(row->b);
    co_return out;
}

task<std::vector<booked_operation>> memory_store::booked_between(storage::unit_of_work& uow, std::int64_t after, std::int64_t until, int limit) {
    auto& tx = memory::of(uow);
    co_await tx.statement();
    std::vector<booked_operation> out;
    books_.operations.scan(tx, [&](const std::string&, const memory_books::operation_row& row) {
        const auto n = row.b.provider_sequence;
        if (row.b.state == operation_state::done && n > after && n <= until) out.push_back(row.b);
    });
    std::ranges::sort(out, {}, &booked_operation::provider_sequence);
    if (std::ssize(out) > limit) out.resize(static_cast<std::size_t>(limit));
    co_return out;
}

task<std::vector<finding>> memory_store::findings(storage::unit_of_work& uow, int limit) {
    auto& tx = memory::of(uow);
    co_await tx.statement();
    std::vector<finding> out;
    books_.findings.scan(tx, [&](const auto&, const finding& f) {
        if (std::ssize(out) < limit) out.push_back(f);
    });
    co_return out;
}

task<std::optional<stored_payment>> memory_store::find(storage::unit_of_work& uow, payment_id id) {
    auto& tx = memory::of(uow);
    co_await tx.statement();
    const auto* found = books_.payments.find(tx, id);
    if (!found || !visible(tx, found->value)) co_return std::nullopt;
    auto out = *found;
    add_refunds(tx, out.value);
    co_return out;
}

task<std::vector<stored_payment>> memory_store::list(storage::unit_of_work& uow, payment_filter f, std::optional<page_position> after, int limit) {
    auto& tx = memory::of(uow);
    co_await tx.statement();
    std::vector<stored_payment> out;
    books_.payments.scan(tx, [&](const payment_id& id, const stored_payment& s) {
        const bool wanted = (!f.customer || s.value.customer == f.customer) && (!f.status || s.value.status == *f.status);
        const bool beyond = !after || std::pair(s.created, id.value) < std::pair(after->time, after->id);
        if (wanted && beyond && visible(tx, s.value)) out.push_back(s);
    });
    std::ranges::sort(out, std::greater<>(), [](const stored_payment& s) { return std::pair(s.created, s.value.id); });
    if (std::ssize(out) > limit) out.resize(static_cast<std::size_t>(limit));
    for (auto& s : out) add_refunds(tx, s.value);
    co_return out;
}

task<std::vector<ledger_entry>> memory_store::entries(storage::unit_of_work& uow, entry_filter f, std::int64_t after, int limit) {
    auto& tx = memory::of(uow);
    co_await tx.statement();
    std::vector<ledger_entry> out;
    if (!tx.sees_all()) co_return out;
    books_.entries.scan_after(tx, after, [&](std::int64_t, const ledger_entry& e) {
        if ((!f.payment || e.payment == *f.payment) && (f.account.empty() || e.account == f.account)) out.push_back(e);
        return std::ssize(out) < limit;
    });
    co_return out;
}

task<std::vector<account_balance>> memory_store::balances(storage::unit_of_work& uow) {
    auto& tx = memory::of(uow);
    co_await tx.statement();
    std::map<std::pair<std::string, bv::currency>, std::int64_t> sums;
    if (tx.sees_all())
        books_.entries.scan(tx, [&](std::int64_t, const ledger_entry& e) { sums[{e.account, e.amount.currency}] += e.amount.minor; });
    std::vector<account_balance> out;
    for (const auto& [key, sum] : sums) out.push_back({key.first, {sum, key.second}});
    co_return out;
}

}  // namespace bv::payment
