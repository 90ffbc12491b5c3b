#include "sim/provider.hpp"

#include <utility>

namespace bv::sim {
namespace {

using payment::answer_kind;

payment_provider::command to_command(const payment::provider_call& c) {
    payment_provider::command out{static_cast<payment_provider::operation>(c.kind), c.key, {}, 0, {}, {}, {}};
    if (c.kind == payment::operation_kind::authorise) {
        out.method = c.method;
        out.reference = c.order;
    } else {
        out.authorisation = c.authorisation;
    }
    if (c.kind != payment::operation_kind::void_) {
        out.amount = c.amount.minor;
        out.currency = c.amount.currency.code();
    }
    return out;
}

payment::outcome outcome_of(const payment_provider::record& r) { return {r.done, r.authorisation, r.reason}; }

}  // namespace

void provider::submit(std::vector<payment::provider_call> calls) {
    for (auto& c : calls) calls_.spawn(home_, call(std::move(c)));
}

payment::provider_answer provider::perform(const payment::provider_call& c) {
    payment::provider_answer a{.key = c.key, .kind = answer_kind::settled};
    const auto* known = books_.find(c.key);
    if (c.ask && !known) {
        a.kind = answer_kind::not_seen;
        return a;
    }
    if (!known) {
        payment_provider::behaviour how;
        if (c.kind == payment::operation_kind::authorise && chance_.happens(fault::decline)) how.decline_rate = 1;
        const auto decided = books_.decide(to_command(c), how, clock_.now());
        if (!decided) {
            a.outcome.reason = "refused_by_provider";
            return a;
        }
        books_.apply(*decided);
        known = books_.find(c.key);
    }
    a.outcome = outcome_of(*known);
    a.sequence = known->sequence;
    return a;
}

task<void> provider::call(payment::provider_call c) {
    auto& random = chance_.random();
    payment::provider_answer a{.key = c.key};
    if (chance_.happens(fault::provider_away)) {
        a.kind = c.ask ? answer_kind::in_doubt : answer_kind::not_sent;
    } else {
        const bool lost = chance_.happens(fault::provider_answer_lost);
        // A request that is still under way when its caller gives up is done all the same.
        co_await clock_.sleep_for(milliseconds(1 + random.below(lost ? 1'500 : 40)));
        auto done = perform(c);
        co_await clock_.sleep_for(milliseconds(lost ? 2'000 : 1 + random.below(40)));
        if (!lost) a = std::move(done);
        const bool late = chance_.happens(fault::late_callback);
        if (late) co_await clock_.sleep_for(milliseconds(random.below(5'000)));
        if (call_back && (lost || late)) call_back({c.key});
    }
    answered_.push_back(std::move(a));
    ready_->notify();
}

task<std::vector<payment::provider_answer>> provider::answers(std::size_t max, steady_point until) {
    const auto now = clock_.steady_now();
    if (answered_.empty() && until > now) co_await ready_->wait_for(until - now);
    std::vector<payment::provider_answer> out;
    for (; !answered_.empty() && out.size() < max; answered_.pop_front()) out.push_back(std::move(answered_.front()));
    co_return out;
}

task<std::vector<payment::provider_record>> provider::list(std::int64_t after, int limit) {
    std::vector<payment::provider_record> out;
    for (const auto* r : books_.list(after, static_cast<std::size_t>(limit), books_.last())) {
        const auto currency = currency::parse(r->asked.currency);
        out.push_back({r->asked.key, r->sequence, static_cast<payment::operation_kind>(r->asked.operation),
                       currency ? money{r->asked.amount, *currency} : money{}, outcome_of(*r)});
    }
    co_return out;
}

task<payment::provider_totals> provider::totals() {
    const auto t = books_.totals();
    co_return payment::provider_totals{t.captured, t.refunded};
}

}  // namespace bv::sim
