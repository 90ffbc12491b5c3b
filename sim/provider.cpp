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

payment::provider_answer provider::perform(payment_provider::books& books, chance& c, const payment::provider_call& asked) {
    payment::provider_answer a{.key = asked.key, .kind = answer_kind::settled};
    const auto* known = books.find(asked.key);
    if (asked.ask && !known) {
        a.kind = answer_kind::not_seen;
        return a;
    }
    if (known) {
        // A key is one operation's: another request under it is refused.
        const auto again = books.decide(to_command(asked), {}, known->time);
        if (!asked.ask && !again) {
            a.kind = answer_kind::rejected;
            a.outcome.reason = again.error().reason;
            return a;
        }
    } else {
        payment_provider::behaviour how;
        if (asked.kind == payment::operation_kind::authorise && c.happens(fault::decline)) how.decline_rate = 1;
        auto decided = books.decide(to_command(asked), how, {});
        if (!decided) {
            a.kind = answer_kind::rejected;
            a.outcome.reason = decided.error().reason;
            return a;
        }
        if (decided->done && asked.kind == payment::operation_kind::capture && c.happens(fault::capture_refused)) {
            decided->done = false;
            decided->reason = "authorisation_expired";
        }
        books.apply(std::move(*decided));
        known = books.find(asked.key);
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
    } else if (!c.ask && chance_.happens(fault::provider_late)) {
        // Its caller has given up, or is gone, when it gets there.
        far_(milliseconds(1'000 + random.below(8'000)), [books = &books_, chance = &chance_, c] { (void)perform(*books, *chance, c); });
        co_await clock_.sleep_for(milliseconds(1'000 + random.below(1'000)));
    } else {
        const bool lost = chance_.happens(fault::provider_answer_lost);
        if (chance_.happens(fault::provider_slow)) co_await clock_.sleep_for(milliseconds(5'000 + random.below(6'000)));
        co_await clock_.sleep_for(milliseconds(1 + random.below(lost ? 1'500 : 40)));
        auto done = perform(books_, chance_, c);
        co_await clock_.sleep_for(milliseconds(lost ? 2'000 : 1 + random.below(40)));
        if (!lost) a = std::move(done);
        if (lost || chance_.happens(fault::late_callback)) calls_.spawn(home_, call_back_about(c.key));
    }
    answered_.push_back(std::move(a));
    ready_->notify();
}

// Late, and perhaps twice.
task<void> provider::call_back_about(std::string key) {
    co_await clock_.sleep_for(milliseconds(chance_.random().below(5'000)));
    if (call_back) call_back({key});
    if (!chance_.happens(fault::repeated_callback)) co_return;
    co_await clock_.sleep_for(milliseconds(chance_.random().below(3'000)));
    if (call_back) call_back({key});
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
