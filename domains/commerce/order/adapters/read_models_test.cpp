// Reading orders and the read models, over both stores.
#include "domains/commerce/order/adapters/shop.hpp"
#include "domains/commerce/order/app/cancel_order.hpp"
#include "domains/commerce/order/app/check_orders.hpp"
#include "domains/commerce/order/app/list_orders.hpp"
#include "domains/commerce/order/app/return_order.hpp"

namespace bv::order::testing {
namespace {

class reading : public over_backends {};
INSTANTIATE_TEST_SUITE_P(stores, reading, ::testing::Values("memory", "postgres"), [](const auto& p) { return p.param; });

task<result<contract::Order>> read(backend& b, order_id id, std::string as_of = {}, rpc::context ctx = a_shopper()) {
    contract::GetOrderRequest r;
    r.set_id(id.str());
    r.set_as_of(std::move(as_of));
    co_return co_await get_order(b.env(), ctx, std::move(r));
}

task<void> own_writes(backend& b) {
    const auto id = co_await an_order(b.env());
    EXPECT_EQ((co_await read(b, id))->version(), 1) << "before anything is projected";
    const auto seen = co_await project_all(b);
    EXPECT_EQ((co_await read(b, id))->version(), 1);
    co_await confirm(b.env(), id);
    const auto ahead = co_await read(b, id);
    EXPECT_EQ(ahead->status(), contract::ORDER_STATUS_CONFIRMED) << "the read model is behind";
    co_await project_all(b, seen);
    const auto projected = co_await read(b, id);
    EXPECT_EQ(projected->SerializeAsString(), ahead->SerializeAsString());
    EXPECT_EQ(projected->etag(), "5");
    EXPECT_EQ((co_await read(b, id, {}, a_shopper(bob))).error().code, code::not_found);
    EXPECT_TRUE(co_await read(b, id, {}, an_importer()));
    EXPECT_EQ((co_await read(b, order_id{uuid::named("none")})).error().code, code::not_found);
}
TEST_P(reading, sees_ones_own_writes_and_nobody_elses) { run(own_writes); }

task<void> as_it_was(backend& b) {
    const auto id = co_await an_order(b.env());
    b.clock.advance(std::chrono::seconds(10));
    const auto between = rfc3339(b.clock.now());
    b.clock.advance(std::chrono::seconds(10));
    co_await confirm(b.env(), id);
    EXPECT_EQ((co_await read(b, id, "1"))->status(), contract::ORDER_STATUS_PLACED);
    EXPECT_EQ((co_await read(b, id, "2"))->status(), contract::ORDER_STATUS_RESERVED);
    EXPECT_EQ((co_await read(b, id, between))->version(), 1);
    EXPECT_EQ((co_await read(b, id, "2100-01-01T00:00:00Z"))->version(), 5);
    EXPECT_EQ((co_await read(b, id, "6")).error().reason, "VERSION_NOT_REACHED");
    EXPECT_EQ((co_await read(b, id, "2000-01-01T00:00:00Z")).error().code, code::not_found);
    for (const auto* bad : {"0", "-1", "yesterday", "1x"}) EXPECT_EQ((co_await read(b, id, bad)).error().code, code::invalid_argument) << bad;
    EXPECT_EQ((co_await read(b, id, "1", a_shopper(bob))).error().code, code::not_found);
}
TEST_P(reading, gives_the_order_as_it_was_at_a_version_or_time) { run(as_it_was); }

task<void> lists_events(backend& b) {
    const auto id = co_await an_order(b.env());
    co_await confirm(b.env(), id);
    contract::ListOrderEventsRequest r;
    r.set_id(id.str());
    r.set_page_size(2);
    std::vector<std::string> types;
    for (int pages = 0; pages < 3; ++pages) {
        auto ctx = a_shopper();
        const auto page = co_await list_order_events(b.env(), ctx, r);
        EXPECT_TRUE(page);
        if (!page) co_return;
        for (const auto& e : page->events()) types.push_back(e.type());
        r.set_page_token(page->next_page_token());
    }
    EXPECT_EQ(types, (std::vector<std::string>{"OrderPlaced", "StockReserved", "PaymentAuthorised", "PaymentCaptured", "OrderConfirmed"}));
    EXPECT_TRUE(r.page_token().empty());
    r.set_page_token("nonsense");
    auto ctx = a_shopper();
    EXPECT_EQ((co_await list_order_events(b.env(), ctx, r)).error().code, code::invalid_argument);
    auto other = a_shopper(bob);
    r.clear_page_token();
    EXPECT_EQ((co_await list_order_events(b.env(), other, r)).error().code, code::not_found);
}
TEST_P(reading, pages_through_the_events_of_an_order) { run(lists_events); }

task<std::vector<std::string>> list_all(backend& b, rpc::context ctx, contract::ListOrdersRequest r) {
    std::vector<std::string> ids;
    do {
        const auto page = co_await list_orders(b.env(), ctx, r);
        EXPECT_TRUE(page) << (page ? "" : page.error().message);
        if (!page) break;
        for (const auto& o : page->orders()) {
            ids.push_back(o.id());
            EXPECT_EQ(o.lines_size(), 0);
        }
        r.set_page_token(page->next_page_token());
    } while (!r.page_token().empty());
    co_return ids;
}

task<void> lists(backend& b) {
    std::vector<std::string> of_alice, of_all;
    for (int i = 0; i < 5; ++i) {
        const auto id = co_await an_order(b.env(), i % 2 == 0 ? alice : bob);
        if (i % 2 == 0) of_alice.insert(of_alice.begin(), id.str());
        of_all.insert(of_all.begin(), id.str());
        b.clock.advance(std::chrono::seconds(1));
    }
    co_await confirm(b.env(), *order_id::parse(of_alice.front()));
    co_await project_all(b);
    contract::ListOrdersRequest r;
    r.set_page_size(2);
    EXPECT_EQ(co_await list_all(b, a_shopper(), r), of_alice);
    EXPECT_EQ(co_await list_all(b, an_importer(), r), of_all);
    r.set_status(contract::ORDER_STATUS_CONFIRMED);
    EXPECT_EQ(co_await list_all(b, an_importer(), r), std::vector<std::string>{of_alice.front()});
    r.set_status(contract::ORDER_STATUS_PLACED);
    EXPECT_EQ((co_await list_all(b, an_importer(), r)).size(), 4U);
    r.clear_status();
    r.set_customer_id(alice.str());
    EXPECT_EQ(co_await list_all(b, an_importer(), r), of_alice);
    auto ctx = a_shopper(bob);
    EXPECT_EQ((co_await list_orders(b.env(), ctx, r)).error().code, code::permission_denied);
}
TEST_P(reading, lists_newest_first_page_by_page_with_filters) { run(lists); }

task<void> by_reference(backend& b) {
    const auto mine = co_await placed(b.env(), an_importer(), an_import(alice, "536365"));
    const auto theirs = co_await placed(b.env(), an_importer(), an_import(bob, "536365"));
    contract::ListOrdersRequest r;
    r.set_external_reference("536365");
    EXPECT_EQ((co_await list_all(b, an_importer(), r)).size(), 2U) << "nothing is projected yet";
    EXPECT_EQ(co_await list_all(b, a_shopper(), r), std::vector<std::string>{mine->id.str()});
    r.set_page_size(1);
    EXPECT_EQ((co_await list_all(b, an_importer(), r)).size(), 2U);
    r.set_external_reference("536366");
    EXPECT_TRUE((co_await list_all(b, an_importer(), r)).empty());
}
TEST_P(reading, finds_an_order_by_its_external_reference_at_once) { run(by_reference); }

task<contract::ListDailySalesResponse> all_sales(backend& b) {
    auto ctx = an_importer();
    auto out = co_await list_daily_sales(b.env(), ctx, contract::ListDailySalesRequest{});
    EXPECT_TRUE(out);
    co_return *out;
}

// Some orders in every state, on two days, projected.
task<void> some_history(backend& b) {
    std::vector<order_id> ids;
    for (int i = 0; i < 6; ++i) {
        ids.push_back(co_await an_order(b.env()));
        if (i == 2) b.clock.advance(std::chrono::hours(24));
    }
    for (const int i : {0, 1, 3, 4}) co_await confirm(b.env(), ids[static_cast<std::size_t>(i)]);
    auto seen = co_await project_all(b);
    contract::ReturnOrderRequest back;
    back.set_id(ids[0].str());
    auto& l = *back.add_lines();
    l.set_sku("A");
    l.set_quantity(1);
    auto ctx = a_shopper();
    EXPECT_TRUE(co_await return_order(b.env(), ctx, back));
    contract::CancelOrderRequest off;
    off.set_id(ids[3].str());
    EXPECT_TRUE(co_await cancel_order(b.env(), ctx, off));
    co_await deliver(b.env(), {from_inventory<inv::StockRejected>(ids[5]), from_inventory<inv::StockReleased>(ids[3]),
                               refunded(ids[3], cancel_refund_id(ids[3]), 2500)});
    co_await project_all(b, seen);
}

task<void> sales_add_up(backend& b) {
    co_await some_history(b);
    const auto all = co_await all_sales(b);
    EXPECT_EQ(all.days_size(), 2);
    if (all.days_size() != 2) co_return;
    // Two sold on the first day, and one piece came back; on the second one sold, one cancelled.
    EXPECT_EQ(all.days(0).day(), "2026-01-01");
    EXPECT_EQ(all.days(0).orders(), 2);
    EXPECT_EQ(all.days(0).units(), 5);
    EXPECT_EQ(all.days(0).revenue().minor_units(), 5000);
    EXPECT_EQ(all.days(0).refunded().minor_units(), 1000);
    EXPECT_EQ(all.days(1).day(), "2026-01-02");
    EXPECT_EQ(all.days(1).orders(), 1);
    EXPECT_EQ(all.days(1).revenue().minor_units(), 2500);
    EXPECT_EQ(all.days(1).refunded().minor_units(), 0);
    co_await project_all(b);
    EXPECT_EQ((co_await all_sales(b)).SerializeAsString(), all.SerializeAsString()) << "projecting again adds nothing";
    contract::ListDailySalesRequest r;
    r.set_from_day("2026-01-02");
    auto ctx = an_importer();
    EXPECT_EQ((co_await list_daily_sales(b.env(), ctx, r))->days_size(), 1);
    r.set_from_day("2026-02-30");
    EXPECT_EQ((co_await list_daily_sales(b.env(), ctx, r)).error().code, code::invalid_argument);
    r.clear_from_day();
    r.set_page_size(1);
    const auto first = co_await list_daily_sales(b.env(), ctx, r);
    r.set_page_token(first->next_page_token());
    const auto second = co_await list_daily_sales(b.env(), ctx, r);
    EXPECT_EQ(second->days(0).day(), "2026-01-02");
    EXPECT_TRUE(second->next_page_token().empty());
}
TEST_P(reading, daily_sales_are_what_was_paid_less_what_came_back) { run(sales_add_up); }

task<std::string> everything(backend& b) {
    const auto& env = b.env();
    const auto rows = co_await env.db.transact(as_system(), [&](storage::unit_of_work& uow) { return env.projections.scan(uow, {}, 1000); });
    std::string out = (co_await all_sales(b)).SerializeAsString();
    for (const auto& r : rows) out += to_contract(r.summary).SerializeAsString() + r.document;
    co_return out;
}

task<void> rebuilds(backend& b) {
    co_await some_history(b);
    const auto live = co_await everything(b);
    int reports = 0;
    const auto counts = co_await rebuild_projections(b.env(), [&](const rebuilt&) { ++reports; }, 4);
    EXPECT_EQ(counts.orders, 6);
    EXPECT_EQ(counts.events, 27);
    EXPECT_GE(reports, 2);
    EXPECT_EQ(co_await everything(b), live);
}
TEST_P(reading, rebuilt_read_models_equal_the_live_ones) { run(rebuilds); }

task<void> checks(backend& b) {
    co_await some_history(b);
    auto found = co_await check_orders(b.env(), 20, 4);
    EXPECT_EQ(found.orders, 6);
    EXPECT_EQ(found.events, 27);
    EXPECT_EQ(found.under_way, 1);
    EXPECT_EQ(found.behind, 0);
    EXPECT_EQ(found.violation_count, 0) << (found.violations.empty() ? "" : found.violations[0].rule + " " + found.violations[0].what);
    co_await an_order(b.env());
    found = co_await check_orders(b.env());
    EXPECT_EQ(found.behind, 1);
    EXPECT_EQ(found.violation_count, 0) << "a read model that is behind is not wrong";
}
TEST_P(reading, a_sound_store_passes_its_checks) { run(checks); }

}  // namespace
}  // namespace bv::order::testing
