// How the orders of a replay ended: asked of the platform once all of them are final.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>

#include "app/replay/driver.hpp"
#include "app/replay/saga_metrics.hpp"

namespace bv::replay {

struct money_totals {
    std::int64_t gross_minor = 0;          // of the confirmed orders, at the catalogue's prices
    std::int64_t refunded_minor = 0;
    std::int64_t invoice_gross_minor = 0;  // the same orders at their invoices' prices
    std::int64_t units = 0;
};

// GET /v1/dailySales over the file's days: every order of those days, also of others than this file.
struct daily_totals {
    std::int64_t revenue_minor = 0, refunded_minor = 0, orders = 0, units = 0;
};

struct outcomes {
    bool settled = false;                                // everything final and every event applied in time
    std::uint64_t confirmed = 0, returned_in_full = 0, unfinished = 0;
    std::map<std::string, std::uint64_t> cancelled;      // by reason: "OUT_OF_STOCK"
    money_totals gbp;
    daily_totals daily;
};

// The platform's memory and sagas, watched while it works. One thread.
class observer {
public:
    // `operators` may be null: then nothing is known.
    observer(platform_api* operators, clock& c) : operators_(operators), clock_(c) {}
    task<void> look();           // one sample; never throws
    task<void> watch();          // one a second until cancelled
    task<void> begin();          // the state before
    task<void> end();
    // Whether every consumer group has applied every event; nullopt when it cannot be known.
    task<std::optional<bool>> drained();

    std::int64_t start_bytes = 0, peak_bytes = 0, end_bytes = 0;  // resident; 0: unknown
    saga_durations sagas;

private:
    task<saga_durations> read_sagas();
    platform_api* operators_;
    clock& clock_;
    saga_durations before_;
};

// Waits at most `patience` for the end of every saga, then reads what came of each order. `first` and `last` are the file's days.
task<outcomes> gather_outcomes(platform_api&, observer&, clock&, const std::deque<placed_order>&, time_point first, time_point last, milliseconds patience);

}  // namespace bv::replay
