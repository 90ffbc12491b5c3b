// The contract's service, implemented by the use cases.
#pragma once

#include "bitvelocity/commerce/inventory/v1/inventory.bv.hpp"
#include "domains/commerce/inventory/app/ports.hpp"
#include "domains/commerce/inventory/app/receive_stock.hpp"

namespace bv::inventory {

namespace contract = bitvelocity::commerce::inventory::v1;

class api final : public contract::inventory_service {
public:
    api(stock_store& store, class receive_stock& receive, clock& c, rng& r) : store_(store), receive_(receive), clock_(c), rng_(r) {}

    task<result<contract::Stock>> get_stock(rpc::context&, contract::GetStockRequest) override;
    task<result<contract::ListStockResponse>> list_stock(rpc::context&, contract::ListStockRequest) override;
    task<result<contract::Stock>> receive_stock(rpc::context&, contract::ReceiveStockRequest) override;
    task<result<contract::BatchReceiveStockResponse>> batch_receive_stock(rpc::context&, contract::BatchReceiveStockRequest) override;
    task<result<contract::Stock>> adjust_stock(rpc::context&, contract::AdjustStockRequest) override;
    task<result<contract::Reservation>> get_reservation(rpc::context&, contract::GetReservationRequest) override;

private:
    task<result<contract::Stock>> book(rpc::context&, receipt);
    std::string reference_of(const rpc::context&, const std::string& given) const;
    stock_store& store_;
    class receive_stock& receive_;
    clock& clock_;
    rng& rng_;
};

}  // namespace bv::inventory
