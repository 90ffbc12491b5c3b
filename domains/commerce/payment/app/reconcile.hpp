// Reconciliation: the provider's list of operations against our books, operation by operation and in total.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "domains/commerce/payment/app/apply_answers.hpp"
#include "domains/commerce/payment/app/ports.hpp"

namespace bv::payment {

struct reconciliation {
    std::int64_t from = 0, until = 0;  // the provider's sequence numbers that were compared: (from, until]
    std::int64_t compared = 0;
    std::int64_t under_way = 0;        // too young to judge: they are being worked on
    std::vector<finding> findings;     // at most 1,000; those `mended` were resolved by what the provider says
    std::int64_t finding_count = 0;
    provider_totals ours, theirs;      // the ledger's and the provider's; equal once nothing is under way

    [[nodiscard]] bool agrees() const noexcept { return finding_count == 0 && under_way == 0 && ours == theirs; }
};

struct reconcile_options {
    int page = 500;
    milliseconds grace{10'000};  // an operation that moved within it is being worked on
};

class reconcile {
public:
    reconcile(clock&, rng&, storage::transactor&, store&, events::outbox&, provider&, reconcile_options = {});

    // Compares from where the last run ended, or everything. Findings are stored; an operation whose outcome we do not
    // know takes the provider's. Throws failure when the provider or the store is away.
    task<reconciliation> operator()(bool everything = false);

private:
    struct page_result {
        std::vector<finding> findings;
        std::int64_t compared = 0, under_way = 0;
        std::optional<std::int64_t> until;  // where the comparison may go on; none: stop here
    };
    task<page_result> compare(storage::unit_of_work&, std::int64_t after, std::vector<provider_record> page, bool everything);
    task<page_result> beyond(storage::unit_of_work&, std::int64_t after, time_point before);
    task<provider_totals> ledger_totals(storage::unit_of_work&);
    task<std::int64_t> start(storage::unit_of_work&);

    clock& clock_;
    storage::transactor& db_;
    store& store_;
    provider& provider_;
    reconcile_options options_;
    apply_answers apply_;
};

}  // namespace bv::payment
