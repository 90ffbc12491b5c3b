// Goods come in, or a count differs from the books.
#pragma once

#include "domains/commerce/inventory/app/ports.hpp"
#include "platform/core/error.hpp"
#include "platform/events/outbox.hpp"

namespace bv::inventory {

class receive_stock {
public:
    receive_stock(storage::transactor& t, stock_store& s, events::outbox& o, clock& c, rng& r)
        : transactor_(t), store_(s), outbox_(o), clock_(c), rng_(r) {}

    // Books receipts in one transaction; ones booked before under the same reference and SKU are passed over.
    // Returns how many were new. FAILED_PRECONDITION "STOCK_SHORT" when an adjustment takes more than is available.
    task<result<int>> operator()(storage::identity, std::vector<receipt>);

private:
    task<int> book(storage::unit_of_work&, const std::vector<receipt>&);
    storage::transactor& transactor_;
    stock_store& store_;
    events::outbox& outbox_;
    clock& clock_;
    rng& rng_;
};

}  // namespace bv::inventory
