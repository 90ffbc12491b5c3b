#include "domains/commerce/payment/app/apply_answers.hpp"

#include <algorithm>
#include <set>

#include "domains/commerce/payment/app/plan.hpp"
#include "platform/telemetry/log.hpp"
#include "platform/telemetry/metrics.hpp"

namespace bv::payment {
namespace {

void count(operation_kind kind, std::string_view outcome) {
    telemetry::count("bv_payment_operations_total", "Operations at the payment provider by outcome",
                     {{"kind", name(kind)}, {"outcome", outcome}})
        .add();
}

// A void or a refund that the provider refuses leaves money where it should not be: people must look.
void settle(plan& p, const answered_operation& a) {
    const auto& op = a.claimed.op;
    const auto* known = p.find(op.payment);
    if (!known) return;
    p.take(decide(*known, op, a.answer.outcome), a.claimed.traceparent);
    p.writes().updates.push_back({op.key, operation_state::done, {}, a.answer.sequence, a.answer.outcome.done});
    const bool must_succeed = op.kind == operation_kind::void_ || op.kind == operation_kind::refund;
    if (!a.answer.outcome.done && must_succeed) p.writes().findings.push_back({"refused", op.key, a.answer.outcome.reason, false});
    count(op.kind, a.answer.outcome.done ? "done" : "declined");
}

void reject(plan& p, const answered_operation& a, time_point again) {
    const auto& op = a.claimed.op;
    telemetry::error("payment.operation_rejected", {{"key", op.key}, {"reason", a.answer.outcome.reason}});
    p.writes().findings.push_back({"rejected", op.key, a.answer.outcome.reason, false});
    p.writes().updates.push_back({op.key, operation_state::pending, again});
    count(op.kind, "rejected");
}

}  // namespace

milliseconds backoff(int attempts, rng& r) {
    const auto base = std::min<std::int64_t>(2'000, std::int64_t{50} << std::clamp(attempts - 1, 0, 10));
    return milliseconds(base + static_cast<std::int64_t>(r.below(static_cast<std::uint64_t>(base / 2 + 1))));
}

task<std::optional<time_point>> apply_answers::operator()(storage::unit_of_work& uow, std::vector<answered_operation> answers) {
    const auto now = clock_.now();
    std::set<payment_id> ids;
    for (const auto& a : answers) {
        if (a.answer.kind == answer_kind::settled) ids.insert(a.claimed.op.payment);
    }
    std::vector<payment> locked;
    if (!ids.empty()) locked = co_await store_.lock(uow, {ids.begin(), ids.end()});
    plan p(std::move(locked), now, clock_, rng_);
    for (const auto& a : answers) {
        const auto later = now + std::min<milliseconds>(a.answer.retry_after.value_or(backoff(a.claimed.attempts, rng_)), farthest_due);
        switch (a.answer.kind) {
            case answer_kind::settled:
                settle(p, a);
                break;
            case answer_kind::not_sent:
                p.writes().updates.push_back({a.answer.key, operation_state::pending, later});
                count(a.claimed.op.kind, "not_sent");
                break;
            case answer_kind::in_doubt:
                p.writes().updates.push_back({a.answer.key, operation_state::unknown, later});
                count(a.claimed.op.kind, "in_doubt");
                break;
            case answer_kind::not_seen:
                p.writes().updates.push_back({a.answer.key, operation_state::pending, now});
                count(a.claimed.op.kind, "not_seen");
                break;
            case answer_kind::rejected:
                reject(p, a, now + seconds(30));
                break;
        }
    }
    auto [writes, told] = std::move(p).finish();
    co_await store_.save(uow, writes, now);
    if (!told.empty()) co_await outbox_.append(uow, std::move(told));
    std::optional<time_point> due;
    const auto sooner = [&](time_point t) { due = due ? std::min(*due, t) : t; };
    for (const auto& u : writes.updates) {
        if (u.state != operation_state::done) sooner(u.due);
    }
    for (const auto& o : writes.operations) sooner(o.due);
    co_return due;
}

}  // namespace bv::payment
