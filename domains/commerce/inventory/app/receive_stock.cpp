#include "domains/commerce/inventory/app/receive_stock.hpp"

#include "bitvelocity/commerce/inventory/v1/events.pb.h"

namespace bv::inventory {

task<int> receive_stock::book(storage::unit_of_work& uow, const std::vector<receipt>& receipts) {
    const auto booked = co_await store_.receive(uow, receipts);
    if (booked.empty()) co_return 0;
    std::vector<events::outgoing> out;
    for (const auto& r : booked) {
        bitvelocity::commerce::inventory::v1::StockReceived m;
        m.set_sku(r.sku);
        m.set_quantity(r.quantity);
        out.push_back({uuid::v7(clock_, rng_), m.descriptor()->full_name(), r.sku, m.SerializeAsString()});
    }
    co_await outbox_.append(uow, std::move(out));
    co_return static_cast<int>(booked.size());
}

task<result<int>> receive_stock::operator()(storage::identity who, std::vector<receipt> receipts) {
    storage::transaction_options options;
    options.identity = std::move(who);
    try {
        co_return co_await transactor_.transact(options, [&](storage::unit_of_work& uow) { return book(uow, receipts); });
    } catch (const failure& f) {
        if (f.error().reason != "STOCK_SHORT") throw;
        co_return std::unexpected(f.error());
    }
}

}  // namespace bv::inventory
