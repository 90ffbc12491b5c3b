#include "domains/commerce/payment/app/reconcile.hpp"

#include <algorithm>
#include <limits>
#include <set>
#include <unordered_map>

#include "platform/telemetry/metrics.hpp"

namespace bv::payment {
namespace {

constexpr std::size_t max_reported = 1'000;

storage::transaction_options as_service() { return {.identity = storage::system_identity("service:payment")}; }

// What differs between the two books; nothing when they agree.
std::optional<finding> difference(const booked_operation& ours, const provider_record& theirs) {
    const money amount{ours.op.amount, ours.currency};
    if (ours.op.kind != operation_kind::void_ && amount != theirs.amount)
        return finding{"amount_differs", theirs.key, "ours " + amount.str() + ", theirs " + theirs.amount.str(), false};
    if (ours.state != operation_state::done)
        return finding{"unresolved", theirs.key, std::string("theirs is ") + (theirs.outcome.done ? "done" : "declined"), true};
    if (ours.succeeded != theirs.outcome.done)
        return finding{"outcome_differs", theirs.key, ours.succeeded ? "done at ours, declined at theirs" : "declined at ours, done at theirs", false};
    return std::nullopt;
}

answered_operation as_answer(const booked_operation& ours, const provider_record& theirs) {
    answered_operation a;
    a.claimed.op = ours.op;
    a.claimed.currency = ours.currency;
    a.claimed.traceparent = ours.traceparent;
    a.answer = {.key = theirs.key, .kind = answer_kind::settled, .outcome = theirs.outcome, .sequence = theirs.sequence};
    return a;
}

telemetry::counter& found(std::string_view kind) {
    return telemetry::count("bv_payment_reconciliation_findings_total", "What our books and the provider's do not agree on", {{"kind", kind}});
}

void add(reconciliation& to, std::vector<finding> findings) {
    to.finding_count += static_cast<std::int64_t>(findings.size());
    for (auto& f : findings) {
        found(f.kind).add();
        if (to.findings.size() < max_reported) to.findings.push_back(std::move(f));
    }
}

}  // namespace

reconcile::reconcile(clock& c, rng& r, storage::transactor& db, store& s, events::outbox& o, provider& p, reconcile_options options)
    : clock_(c), db_(db), store_(s), provider_(p), options_(options), apply_(c, r, s, o) {
    // From the start, at zero: an alert sees the first finding only as a step from there.
    for (const auto kind : {"amount_differs", "unresolved", "outcome_differs", "unknown_at_ours", "unknown_at_theirs"}) (void)found(kind);
}

task<std::int64_t> reconcile::start(storage::unit_of_work& uow) { co_return co_await store_.reconciled_until(uow); }

task<reconciliation> reconcile::operator()(bool everything) {
    reconciliation out;
    const auto started = clock_.now();
    if (!everything) out.from = co_await db_.transact(as_service(), [this](storage::unit_of_work& uow) { return start(uow); });
    out.until = out.from;
    bool to_the_end = false;
    while (!to_the_end) {
        auto page = co_await provider_.list(out.until, options_.page);
        if (page.empty()) {
            to_the_end = true;
            break;
        }
        auto r = co_await db_.transact(as_service(), [&](storage::unit_of_work& uow) { return compare(uow, out.until, page, everything); });
        out.compared += r.compared;
        out.under_way += r.under_way;
        add(out, std::move(r.findings));
        if (!r.until || *r.until <= out.until) break;
        out.until = *r.until;
    }
    if (to_the_end) {
        auto r = co_await db_.transact(as_service(), [&](storage::unit_of_work& uow) { return beyond(uow, out.until, started); });
        add(out, std::move(r.findings));
    }
    out.theirs = co_await provider_.totals();
    out.ours = co_await db_.transact(as_service(), [this](storage::unit_of_work& uow) { return ledger_totals(uow); });
    co_return out;
}

task<reconcile::page_result> reconcile::compare(storage::unit_of_work& uow, std::int64_t after, std::vector<provider_record> page, bool everything) {
    page_result out;
    const auto now = clock_.now();
    std::vector<std::string> keys;
    for (const auto& r : page) keys.push_back(r.key);
    std::unordered_map<std::string, booked_operation> ours;
    for (auto& b : co_await store_.booked(uow, keys)) {
        auto key = b.op.key;
        ours.emplace(std::move(key), std::move(b));
    }
    std::vector<answered_operation> resolved;
    std::int64_t until = after;
    for (const auto& r : page) {
        const auto at = ours.find(r.key);
        const bool open = at != ours.end() && at->second.state != operation_state::done;
        if (open && now - at->second.updated < options_.grace) {
            ++out.under_way;
            if (!everything) break;  // the next run begins with it
        } else if (at == ours.end()) {
            out.findings.push_back({"unknown_at_ours", r.key, std::string(name(r.kind)) + " of " + r.amount.str(), false});
        } else if (auto d = difference(at->second, r)) {
            if (d->mended) resolved.push_back(as_answer(at->second, r));
            out.findings.push_back(std::move(*d));
        }
        ++out.compared;
        until = r.sequence;
    }
    const std::set<std::string> seen(keys.begin(), keys.end());
    for (const auto& b : co_await store_.booked_between(uow, after, until, 10 * options_.page)) {
        if (!seen.contains(b.op.key)) out.findings.push_back({"unknown_at_theirs", b.op.key, "done at ours", false});
    }
    if (!resolved.empty()) co_await apply_(uow, std::move(resolved));
    if (!out.findings.empty()) co_await store_.save(uow, changes{.findings = out.findings}, now);
    if (until > after && !everything) co_await store_.set_reconciled_until(uow, until);
    if (until > after) out.until = until;
    co_return out;
}

// What we have beyond the end of the provider's list, although it was done before the list was read.
task<reconcile::page_result> reconcile::beyond(storage::unit_of_work& uow, std::int64_t after, time_point before) {
    page_result out;
    for (const auto& b : co_await store_.booked_between(uow, after, std::numeric_limits<std::int64_t>::max(), 10 * options_.page)) {
        if (b.updated < before) out.findings.push_back({"unknown_at_theirs", b.op.key, "done at ours, beyond the end of the provider's list", false});
    }
    if (!out.findings.empty()) co_await store_.save(uow, changes{.findings = out.findings}, clock_.now());
    co_return out;
}

task<provider_totals> reconcile::ledger_totals(storage::unit_of_work& uow) {
    provider_totals t;
    for (const auto& b : co_await store_.balances(uow)) {
        const std::string currency(b.balance.currency.code());
        if (b.account == account::sales && b.balance.minor != 0) t.captured[currency] = -b.balance.minor;
        if (b.account == account::refunds && b.balance.minor != 0) t.refunded[currency] = b.balance.minor;
    }
    co_return t;
}

}  // namespace bv::payment
