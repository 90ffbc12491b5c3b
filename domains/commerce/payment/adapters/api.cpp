#include "domains/commerce/payment/adapters/api.hpp"

#include "platform/rpc/timestamp.hpp"

namespace bv::payment {
namespace {

constexpr std::string_view any_customer = "payments.read.any";

void set(bitvelocity::type::v1::Money& to, std::int64_t minor, bv::currency c) {
    to.set_currency(std::string(c.code()));
    to.set_minor_units(minor);
}

contract::Payment to_message(const stored_payment& s) {
    const auto& p = s.value;
    contract::Payment m;
    m.set_id(p.id.str());
    m.set_order_id(p.order.str());
    if (p.customer) m.set_customer_id(p.customer->str());
    m.set_status(static_cast<contract::PaymentStatus>(p.status));
    set(*m.mutable_amount(), p.amount.minor, p.amount.currency);
    set(*m.mutable_captured(), p.captured, p.amount.currency);
    set(*m.mutable_refunded(), p.refunded, p.amount.currency);
    for (const auto& r : p.refunds) {
        if (r.state == refund_state::refused) continue;
        auto& to = *m.add_refunds();
        to.set_id(r.id);
        set(*to.mutable_amount(), r.amount, p.amount.currency);
        to.set_settled(r.state == refund_state::settled);
    }
    m.set_decline_reason(p.decline_reason);
    m.set_provider_reference(p.provider_reference);
    rpc::set_timestamp(*m.mutable_create_time(), s.created);
    rpc::set_timestamp(*m.mutable_update_time(), s.updated);
    return m;
}

contract::LedgerEntry to_message(const ledger_entry& e) {
    contract::LedgerEntry m;
    m.set_id(e.id);
    m.set_transaction_id(e.transaction.str());
    m.set_payment_id(e.payment.str());
    m.set_account(e.account);
    set(*m.mutable_amount(), e.amount.minor, e.amount.currency);
    m.set_description(e.description);
    rpc::set_timestamp(*m.mutable_create_time(), e.created);
    return m;
}

// The contract's rules have checked that ids are UUIDs.
template <class Id>
std::optional<Id> optional_id(const std::string& text) {
    return text.empty() ? std::nullopt : Id::parse(text);
}

}  // namespace

task<result<contract::Payment>> api::get_payment(rpc::context& context, contract::GetPaymentRequest request) {
    const auto id = payment_id::parse(request.id()).value();
    auto found = co_await read_.get(context.identity(any_customer), id);
    if (!found) co_return std::unexpected(std::move(found.error()));
    context.etag = std::to_string(found->updated.time_since_epoch().count());
    co_return to_message(*found);
}

task<result<contract::ListPaymentsResponse>> api::list_payments(rpc::context& context, contract::ListPaymentsRequest request) {
    payment_query query{.order = optional_id<order_id>(request.order_id())};
    if (request.status() != contract::PAYMENT_STATUS_UNSPECIFIED) query.status = static_cast<payment_status>(request.status());
    auto found = co_await read_.list(context.identity(any_customer), query, request.page_size(), request.page_token());
    if (!found) co_return std::unexpected(std::move(found.error()));
    contract::ListPaymentsResponse answer;
    for (const auto& p : found->items) *answer.add_payments() = to_message(p);
    answer.set_next_page_token(found->next_token);
    co_return answer;
}

task<result<contract::ListLedgerEntriesResponse>> api::list_ledger_entries(rpc::context& context, contract::ListLedgerEntriesRequest request) {
    entry_filter filter{.payment = optional_id<payment_id>(request.payment_id()), .account = request.account()};
    auto found = co_await read_.entries(context.identity(any_customer), filter, request.page_size(), request.page_token());
    if (!found) co_return std::unexpected(std::move(found.error()));
    contract::ListLedgerEntriesResponse answer;
    for (const auto& e : found->items) *answer.add_entries() = to_message(e);
    answer.set_next_page_token(found->next_token);
    co_return answer;
}

task<result<contract::ListLedgerBalancesResponse>> api::list_ledger_balances(rpc::context& context, contract::ListLedgerBalancesRequest) {
    contract::ListLedgerBalancesResponse answer;
    for (const auto& b : co_await read_.balances(context.identity(any_customer))) {
        auto& to = *answer.add_balances();
        to.set_account(b.account);
        set(*to.mutable_balance(), b.balance.minor, b.balance.currency);
    }
    co_return answer;
}

}  // namespace bv::payment
