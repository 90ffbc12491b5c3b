// What the provider answered becomes state, ledger entries and events: in one transaction for many operations.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "domains/commerce/payment/app/ports.hpp"
#include "platform/events/outbox.hpp"

namespace bv::payment {

struct answered_operation {
    claimed_operation claimed;
    provider_answer answer;
};

class apply_answers {
public:
    apply_answers(clock& c, rng& r, store& s, events::outbox& o) : clock_(c), rng_(r), store_(s), outbox_(o) {}

    // Within the unit of work; calls nobody. An answer that was applied before changes nothing. Returns when the first of
    // the operations left open, or newly asked for, is due: nullopt when none is.
    task<std::optional<time_point>> operator()(storage::unit_of_work&, std::vector<answered_operation>);

private:
    clock& clock_;
    rng& rng_;
    store& store_;
    events::outbox& outbox_;
};

// How long to wait before trial `attempts` + 1: from 50 ms doubling to 2 s, and up to half as long again at random.
[[nodiscard]] milliseconds backoff(int attempts, rng&);

}  // namespace bv::payment
