// Reading payments and the ledger, page by page. What a caller sees of payments is decided by row-level security.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "domains/commerce/payment/app/ports.hpp"

namespace bv::payment {

template <class T>
struct page {
    std::vector<T> items;
    std::string next_token;  // empty: this is the last page
};

struct payment_query {
    std::optional<order_id> order{};
    std::optional<payment_status> status{};
};

class read_payments {
public:
    read_payments(storage::transactor& db, store& s) : db_(db), store_(s) {}

    // NOT_FOUND "PAYMENT_NOT_FOUND", also for a payment that the caller may not see.
    task<result<stored_payment>> get(storage::identity, payment_id);
    // Newest first. size 0: 50; at most 200. INVALID_ARGUMENT when the token is not one of ours.
    task<result<page<stored_payment>>> list(storage::identity, payment_query, int size, std::string token);
    // Oldest first. size 0: 100; at most 1,000.
    task<result<page<ledger_entry>>> entries(storage::identity, entry_filter, int size, std::string token);
    task<std::vector<account_balance>> balances(storage::identity);

private:
    task<result<page<stored_payment>>> of_order(storage::identity, payment_query);

    storage::transactor& db_;
    store& store_;
};

}  // namespace bv::payment
