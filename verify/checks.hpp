// The checks, each of which fills in one finding or two. Private to verify.
#pragma once

#include <chrono>

#include "verify/check.hpp"
#include "verify/snapshot.hpp"

namespace bv::verify {

// In SQL, within the snapshot.
task<void> check_stock(const snapshot&, finding&);
task<void> check_ledger(const snapshot&, finding&);
task<void> check_payment_books(const snapshot&, finding&);
task<void> check_events(const snapshot&, finding&);
task<void> check_first_versions(const snapshot&, finding& streams);
task<void> check_read_models(const snapshot&, finding&);
task<void> check_notifications(const snapshot&, finding&);
task<void> check_final(const snapshot&, finding&, bool live, seconds grace);
task<void> check_audit(const snapshot&, finding&, const std::function<void(std::string_view)>& progress);

// Order by order: its stream against the other services' books. Leaves out the orders under way.
struct order_findings {
    finding& stock;
    finding& payments;
    finding& notifications;
    finding& streams;
};
task<void> check_orders(const snapshot&, order_findings, const std::function<void(std::string_view)>& progress);

// The order service's own check of its store, as the administrator; takes its own snapshot.
task<void> check_streams(runtime&, pg::database& admin, std::size_t most, finding& streams, finding& projections);

// Asks the provider. `quiet`: nothing is under way, so that the totals are equal too.
task<void> check_provider(const snapshot&, pg::database& admin, payment::provider_options, finding&);

}  // namespace bv::verify
