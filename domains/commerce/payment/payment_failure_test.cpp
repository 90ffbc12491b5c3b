// Payment when something is away, comes back, or is not whom it says it is.
#include <gmock/gmock.h>

#include "domains/commerce/payment/adapters/api.hpp"
#include "domains/commerce/payment/testing/payment_world.hpp"
#include "platform/security/hmac_signature.hpp"

namespace bv::payment::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;
using enum payment_status;

TEST_F(payment_world, goes_on_when_a_dead_provider_is_back_with_its_journal) {
    start_provider();
    start_service();
    const auto before = an_order(), during = an_order();
    deliver({requested(before, 100, "card_ok")});
    ASSERT_TRUE(comes_to(before, authorised));
    stop_provider();
    deliver({requested(during, 200, "card_ok"), capture(before, 100)});
    ASSERT_TRUE(eventually([&] { return number("SELECT coalesce(max(attempts), 0)::bigint FROM payment.operations") > 1; }));
    EXPECT_EQ(find(during)->value.status, authorising);
    start_provider();
    ASSERT_TRUE(comes_to(during, authorised));
    ASSERT_TRUE(comes_to(before, captured));
    EXPECT_TRUE(compared().agrees());
}

TEST_F(payment_world, asks_for_what_was_in_flight_when_the_process_died) {
    start_provider();
    start_service();
    const auto order = an_order();
    deliver({requested(order, 100, "card_ok")});
    ASSERT_TRUE(comes_to(order, authorised));
    stop_service();
    // As a crash between the provider's answer and our transaction leaves it; the lease has run out.
    machine_.block_on(execute("UPDATE payment.payments SET status = 'authorising', provider_reference = '';"
                              "UPDATE payment.operations SET state = 'in_flight', next_at = now() - interval '1 s', provider_sequence = NULL"));
    start_service();
    ASSERT_TRUE(comes_to(order, authorised));
    const auto r = compared();
    EXPECT_TRUE(r.agrees());
    EXPECT_EQ(r.compared, 1);  // asked for, not done again
}

TEST_F(payment_world, sends_again_under_the_same_key_what_the_provider_never_saw) {
    start_provider();
    start_service();
    const auto order = an_order();
    stop_service();
    {
        start_service();
        stop_provider();
        deliver({requested(order, 100, "card_ok")});
        ASSERT_TRUE(eventually([&] { return number("SELECT count(*) FROM payment.operations WHERE attempts > 0") == 1; }));
        stop_service();
    }
    machine_.block_on(execute("UPDATE payment.operations SET state = 'unknown', next_at = now()"));
    start_provider();
    start_service();
    ASSERT_TRUE(comes_to(order, authorised));
    EXPECT_TRUE(compared().agrees());
}

TEST_F(payment_world, a_call_back_hurries_an_operation_in_doubt) {
    provider_calls_back_ = false;  // the call-backs are sent below: one of the provider's own could come late and be the one that hurries
    start_provider();
    start_service();
    const auto order = an_order();
    deliver({requested(order, 100, "card_ok")});
    ASSERT_TRUE(comes_to(order, authorised));
    stop_service();
    machine_.block_on(execute("UPDATE payment.payments SET status = 'authorising';"
                              "UPDATE payment.operations SET state = 'unknown', next_at = now() + interval '1 h', provider_sequence = NULL"));
    start_service();
    const auto key = operation_key(payment_of(order), operation_kind::authorise);
    const auto body = R"({"operations":[{"key":")" + key + R"(","sequence":1,"operation":"authorise","status":"done","amount":{"currency":"GBP","minor_units":100}}]})";
    EXPECT_EQ(call_back(body, "wrong secret"), 401);
    EXPECT_EQ(call_back("{}", "secret"), 400);
    EXPECT_EQ(find(order)->value.status, authorising);
    EXPECT_EQ(call_back(body, "secret"), 204);
    EXPECT_EQ(call_back(body, "secret"), 204);
    ASSERT_TRUE(comes_to(order, authorised));
    EXPECT_THAT(told_of(order), ElementsAre("PaymentAuthorised", "PaymentAuthorised"));  // the first is of before the "crash"
}

TEST_F(payment_world, reconciliation_resolves_what_is_in_doubt_and_finds_what_differs) {
    start_provider();
    start_service();
    const auto doubtful = an_order(), larger = an_order(), missing = an_order();
    deliver({requested(doubtful, 100, "card_ok")});
    ASSERT_TRUE(comes_to(doubtful, authorised));
    deliver({requested(larger, 200, "card_ok")});
    ASSERT_TRUE(comes_to(larger, authorised));
    deliver({requested(missing, 300, "card_ok")});
    ASSERT_TRUE(comes_to(missing, authorised));
    ASSERT_TRUE(compared().agrees());
    const auto of = [](order_id o) { return "'authorise:" + payment_of(o).str() + "'"; };
    machine_.block_on(execute("UPDATE payment.payments SET status = 'authorising' WHERE order_id = '" + doubtful.str() + "';"
                              "UPDATE payment.operations SET state = 'unknown', next_at = now() + interval '1 h' WHERE key = " + of(doubtful) + ";"
                              "UPDATE payment.operations SET amount_minor = 201 WHERE key = " + of(larger) + ";"
                              "UPDATE payment.operations SET key = 'authorise:other' WHERE key = " + of(missing)));
    const auto r = machine_.block_on(service_->reconcile(true), 1);
    std::vector<std::string> kinds;
    for (const auto& f : r.findings) kinds.push_back(f.kind + (f.mended ? " mended" : ""));
    EXPECT_THAT(kinds, ::testing::UnorderedElementsAre("unresolved mended", "amount_differs", "unknown_at_ours", "unknown_at_theirs"));
    EXPECT_EQ(find(doubtful)->value.status, authorised);
    EXPECT_EQ(number("SELECT count(*) FROM payment.reconciliation_findings"), 4);
    machine_.block_on(service_->reconcile(true), 1);
    EXPECT_EQ(number("SELECT count(*) FROM payment.reconciliation_findings"), 4);
}

TEST_F(payment_world, a_provider_that_lost_its_journal_is_found_out) {
    start_provider();
    start_service();
    const auto order = an_order();
    deliver({requested(order, 100, "card_ok"), capture(order, 100)});
    ASSERT_TRUE(comes_to(order, captured));
    stop_provider();
    std::filesystem::remove(folder_ / "journal");
    start_provider();
    const auto r = compared();
    EXPECT_THAT(r.findings, SizeIs(2));
    EXPECT_EQ(r.findings[0].kind, "unknown_at_theirs");
    EXPECT_NE(r.ours, r.theirs);
}

TEST_F(payment_world, the_ledger_refuses_what_does_not_sum_to_zero_and_what_is_booked_already) {
    start_provider();
    start_service();
    const auto order = an_order();
    deliver({requested(order, 100, "card_ok"), capture(order, 100)});
    ASSERT_TRUE(comes_to(order, captured));
    const auto id = payment_of(order).str();
    EXPECT_THROW(machine_.block_on(as_service("INSERT INTO payment.ledger_entries (transaction_id, payment_id, account, currency, amount_minor, description, "
                                              "created_at) VALUES (gen_random_uuid(), '" + id + "', 'sales', 'GBP', -5, '', now())")),
                 pg::sql_error);
    EXPECT_THROW(machine_.block_on(as_service("UPDATE payment.ledger_entries SET description = ''")), pg::sql_error);
    EXPECT_THROW(machine_.block_on(as_service("INSERT INTO payment.ledger_entries (transaction_id, payment_id, account, currency, amount_minor, description, "
                                              "created_at) SELECT transaction_id, payment_id, account, currency, amount_minor, description, created_at "
                                              "FROM payment.ledger_entries")),
                 pg::sql_error);
    EXPECT_EQ(balance("sales"), -100);
}

TEST_F(payment_world, a_customer_sees_own_payments_only_page_by_page) {
    start_provider();
    start_service();
    const customer_id ann{uuid::named("ann")}, bob{uuid::named("bob")};
    std::vector<events::event> batch;
    std::vector<order_id> of_ann;
    for (int i = 0; i < 3; ++i) {
        of_ann.push_back(an_order());
        batch.push_back(requested(of_ann.back(), 100, "card_ok", ann));
    }
    const auto of_bob = an_order();
    batch.push_back(requested(of_bob, 100, "card_ok", bob));
    deliver(batch);
    ASSERT_TRUE(settles());

    rpc::context as_ann;
    as_ann.caller = {.kind = rpc::caller_kind::user, .id = ann.value, .scopes = {"payments.read"}};
    read_payments read(db_, store_);
    api endpoint(read);
    contract::GetPaymentRequest get;
    get.set_id(payment_of(of_bob).str());
    EXPECT_EQ(machine_.block_on(endpoint.get_payment(as_ann, get)).error().reason, "PAYMENT_NOT_FOUND");
    get.set_id(payment_of(of_ann[0]).str());
    EXPECT_TRUE(machine_.block_on(endpoint.get_payment(as_ann, get)));
    contract::ListPaymentsRequest list;
    list.set_order_id(of_bob.str());
    EXPECT_EQ(machine_.block_on(endpoint.list_payments(as_ann, list))->payments_size(), 0);

    list.clear_order_id();
    list.set_page_size(2);
    const auto first = machine_.block_on(endpoint.list_payments(as_ann, list));
    EXPECT_EQ(first->payments_size(), 2);
    list.set_page_token(first->next_page_token());
    const auto second = machine_.block_on(endpoint.list_payments(as_ann, list));
    EXPECT_EQ(second->payments_size(), 1);
    EXPECT_TRUE(second->next_page_token().empty());
    list.set_page_token("nonsense");
    EXPECT_EQ(machine_.block_on(endpoint.list_payments(as_ann, list)).error().code, code::invalid_argument);

    rpc::context as_clerk;
    as_clerk.caller = {.kind = rpc::caller_kind::user, .id = uuid::named("clerk"), .scopes = {"payments.read.any"}};
    EXPECT_EQ(machine_.block_on(endpoint.list_payments(as_clerk, {}))->payments_size(), 4);
    EXPECT_EQ(machine_.block_on(endpoint.list_ledger_balances(as_ann, {}))->balances_size(), 0);
}

TEST_F(payment_world, every_change_of_a_payment_is_in_the_audit_trail) {
    start_provider();
    start_service();
    const auto order = an_order();
    deliver({requested(order, 100, "card_ok"), capture(order, 100)});
    ASSERT_TRUE(comes_to(order, captured));
    EXPECT_EQ(number("SELECT count(*) FROM audit.entries WHERE table_name = 'payment.payments' AND operation = 1"), 1);
    EXPECT_GE(number("SELECT count(*) FROM audit.entries WHERE table_name = 'payment.payments' AND operation = 2"), 2);
    EXPECT_EQ(number("SELECT count(*) FROM audit.entries WHERE table_name = 'payment.ledger_entries'"), 2);
}

}  // namespace
}  // namespace bv::payment::testing
