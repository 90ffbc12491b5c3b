// Rows of schema payment as values: shared by the writing and the reading half of postgres_store.
#pragma once

#include <vector>

#include "domains/commerce/payment/app/ports.hpp"
#include "platform/storage/postgres/database.hpp"

namespace bv::payment {

// The columns that to_stored_payment reads, in its order; `p` is the table.
#define BV_PAYMENT_COLUMNS                                                                                                          \
    "p.id, p.order_id, p.customer_id, p.status, p.currency, p.amount_minor, p.captured_minor, p.refunded_minor, "                   \
    "p.wanted_capture_minor, p.void_wanted, p.method, p.decline_reason, p.provider_reference, p.has_refunds, p.created_at, p.updated_at"

// Without refunds; has_refunds says whether there are any.
[[nodiscard]] stored_payment to_stored_payment(pg::row, bool& has_refunds);
[[nodiscard]] bv::currency to_currency(std::string_view);

// Reads the refunds of those payments that have some, in one statement.
task<void> add_refunds(pg::transaction&, std::vector<payment*>);

}  // namespace bv::payment
