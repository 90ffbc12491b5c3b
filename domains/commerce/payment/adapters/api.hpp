// PaymentService of the contract: thin, over the use case.
#pragma once

#include "bitvelocity/commerce/payment/v1/payment.bv.hpp"
#include "domains/commerce/payment/app/read_payments.hpp"

namespace bv::payment {

namespace contract = bitvelocity::commerce::payment::v1;

class api final : public contract::payment_service {
public:
    explicit api(read_payments& r) : read_(r) {}
    task<result<contract::Payment>> get_payment(rpc::context&, contract::GetPaymentRequest) override;
    task<result<contract::ListPaymentsResponse>> list_payments(rpc::context&, contract::ListPaymentsRequest) override;
    task<result<contract::ListLedgerEntriesResponse>> list_ledger_entries(rpc::context&, contract::ListLedgerEntriesRequest) override;
    task<result<contract::ListLedgerBalancesResponse>> list_ledger_balances(rpc::context&, contract::ListLedgerBalancesRequest) override;

private:
    read_payments& read_;
};

}  // namespace bv::payment
