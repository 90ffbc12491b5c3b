// Whole replays against a fake platform: outcomes, repeats, lost answers, refusals, restarts.
#include "app/replay/replay.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <thread>

#include <fmt/format.h>

#include "app/replay/fake_platform.hpp"
#include "app/replay/temporary_folder.hpp"
#include "platform/core/error.hpp"

namespace bv::replay {
namespace {

using testing::ContainsRegex;
using testing::HasSubstr;
using testing::UnorderedElementsAre;

constexpr const char* header = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n";

// Customer 1 buys A twice and returns 7 of it, more than the newest order holds; customer 2 returns what nobody bought.
constexpr const char* small =
    "1,A,APPLE,5,2011-01-01T08:00:00Z,1.00,1,France\n"
    "1,B,BALL,2,2011-01-01T08:00:00Z,2.00,1,France\n"
    "2,A,APPLE,4,2011-01-02T08:00:00Z,1.00,1,France\n"
    "3,B,BALL,1,2011-01-02T09:00:00Z,2.50,2,Spain\n"
    "4,B,BALL,1,2011-01-02T09:00:00Z,2.00,,Spain\n"
    "C5,A,APPLE,-7,2011-01-03T08:00:00Z,1.00,1,France\n"
    "C6,A,APPLE,-1,2011-01-03T09:00:00Z,1.00,2,Spain\n"
    "7,A,APPLE,1,2011-01-04T09:00:00Z,1.00,1,France\n";

class replaying : public testing::Test {
protected:
    bool replay(const std::string& rows) {
        std::ofstream(folder.path / "file.csv", std::ios::trunc) << header << rows;
        o.file = folder.path / "file.csv";
        o.progress_folder = folder.path / "replay";
        o.report = folder.path / "report.csv";
        o.where = [this] { return platform.where(); };
        o.importer_key = "k";
        o.operator_key = "k";
        std::ostringstream table, progress;
        const bool good = run(o, table, progress);
        printed = table.str();
        said = progress.str();
        return good;
    }
    // Of a line of the table, its value.
    std::string value(const std::string& name) const {
        const auto at = printed.find("  " + name + "  ");
        if (at == std::string::npos) return "";
        std::istringstream rest(printed.substr(at + 2 + name.size()));
        std::string v;
        rest >> v;
        return v;
    }
    static std::string many(int invoices) {
        std::string rows;
        for (int n = 1; n <= invoices; ++n) rows += fmt::format("{},A,APPLE,1,2011-01-01T08:00:00Z,1.00,{},France\n", 1'000 + n, n % 7);
        return rows;
    }

    temporary_folder folder;
    fake_platform platform;
    options o;
    std::string printed, said;
};

TEST_F(replaying, places_orders_returns_what_came_back_and_says_what_became_of_it) {
    platform.looks_until_final = 2;
    EXPECT_TRUE(replay(small));
    EXPECT_EQ(platform.names, (std::map<std::string, std::string>{{"A", "APPLE"}, {"B", "BALL"}}));
    EXPECT_EQ(platform.orders.size(), 4u);
    EXPECT_THAT(platform.return_keys, UnorderedElementsAre("C5 of 2", "C5 of 1"));
    EXPECT_EQ(platform.stock["A"], 7);  // ten came, ten were sold, seven came back
    EXPECT_EQ(value("placed now"), "4");
    EXPECT_EQ(value("confirmed"), "4");
    EXPECT_EQ(value("orders that lines came back of"), "2");
    EXPECT_EQ(value("orders returned in full"), "1");
    EXPECT_EQ(value("units"), "7");
    EXPECT_EQ(value("unmatched: no earlier purchase"), "1");
    EXPECT_EQ(value("gross"), "16.00");
    EXPECT_EQ(value("refunded"), "7.00");
    EXPECT_EQ(value("the same orders at invoice prices"), "16.50");
    EXPECT_THAT(printed, HasSubstr("4 orders: the same"));
    EXPECT_THAT(printed, ContainsRegex("no customer +1  lines 6"));
    std::stringstream report;
    report << std::ifstream(o.report).rdbuf();
    EXPECT_THAT(report.str(), HasSubstr("6,,\"no customer\",\"invoice 4\"\n"));
    EXPECT_THAT(report.str(), HasSubstr(",\"C6\",\"no earlier purchase\""));
}

TEST_F(replaying, run_again_doubles_nothing_and_asks_for_no_order_twice) {
    replay(small);
    const auto posts = platform.requests["POST /v1/orders"];
    EXPECT_TRUE(replay(small));
    EXPECT_EQ(platform.requests["POST /v1/orders"], posts);
    EXPECT_EQ(platform.orders.size(), 4u);
    EXPECT_EQ(platform.stock["A"], 7);
    EXPECT_EQ(value("placed now"), "0");
    EXPECT_EQ(value("placed before"), "4");
    EXPECT_EQ(value("confirmed"), "4");
    EXPECT_EQ(value("gross"), "16.00");
    EXPECT_EQ(value("refunded"), "7.00");
    EXPECT_EQ(platform.doubled, 0);
}

TEST_F(replaying, does_not_depend_on_its_progress_file) {
    replay(small);
    std::filesystem::remove_all(o.progress_folder);
    EXPECT_TRUE(replay(small));
    EXPECT_EQ(platform.orders.size(), 4u);
    EXPECT_EQ(value("placed before"), "4");
    // Not even for another decline rate, under which the same keys carry other requests.
    std::filesystem::remove_all(o.progress_folder);
    o.decline_rate = 1;
    EXPECT_TRUE(replay(small));
    EXPECT_EQ(platform.orders.size(), 4u);
    EXPECT_EQ(value("placed before"), "4");
    EXPECT_EQ(value("gross"), "16.00");
}

TEST_F(replaying, starts_afresh_on_a_platform_that_knows_nothing_of_the_progress_file) {
    replay(small);
    platform.stop();
    {
        fake_platform another;
        o.where = [&another] { return another.where(); };
        std::ostringstream table, progress;
        EXPECT_TRUE(run(o, table, progress));
        EXPECT_EQ(another.orders.size(), 4u);
    }
}

TEST_F(replaying, stopped_by_a_limit_it_goes_on_where_it_stopped) {
    o.limit = 2;
    EXPECT_TRUE(replay(small));
    EXPECT_EQ(platform.orders.size(), 2u);
    o.limit = 0;
    EXPECT_TRUE(replay(small));
    EXPECT_EQ(platform.orders.size(), 4u);
    EXPECT_EQ(value("placed now"), "2");
    EXPECT_EQ(value("placed before"), "2");
}

TEST_F(replaying, cancelled_orders_are_counted_by_reason_and_cannot_be_returned) {
    o.decline_rate = 1;
    EXPECT_TRUE(replay(small));
    EXPECT_EQ(value("cancelled: PAYMENT_DECLINED"), "4");
    EXPECT_EQ(value("confirmed"), "0");
    EXPECT_EQ(value("unmatched: order was cancelled"), "7");
    EXPECT_TRUE(platform.return_keys.empty());
}

TEST_F(replaying, too_little_stock_cancels_orders_and_is_no_failure) {
    o.stock_factor = 0;
    EXPECT_TRUE(replay(small));
    EXPECT_EQ(value("cancelled: OUT_OF_STOCK"), "4");
}

TEST_F(replaying, an_invoice_whose_lines_stand_apart_becomes_two_orders) {
    EXPECT_TRUE(replay("1,A,APPLE,1,2011-01-01T08:00:00Z,1.00,1,France\n"
                       "2,A,APPLE,1,2011-01-01T08:00:00Z,1.00,1,France\n"
                       "1,B,BALL,1,2011-01-01T08:00:00Z,1.00,1,France\n"));
    std::set<std::string> references;
    for (const auto& [id, order] : platform.orders) references.insert(order.reference);
    EXPECT_EQ(references, (std::set<std::string>{"1", "1/2", "2"}));
    EXPECT_EQ(value("invoices of several orders"), "1");
}

TEST_F(replaying, lost_answers_are_asked_for_again_and_double_nothing) {
    std::map<std::string, int> seen;
    platform.loses_answer = [&seen](const http::request& r) { return r.verb == http::verb::post && ++seen[std::string(r.headers.get("Idempotency-Key"))] == 1; };
    EXPECT_TRUE(replay(small));
    EXPECT_EQ(platform.orders.size(), 4u);
    EXPECT_EQ(platform.stock["A"], 7);
    EXPECT_EQ(value("placed now"), "4");
    EXPECT_NE(value("answers lost, asked again"), "");
}

TEST_F(replaying, waits_when_it_is_asked_to) {
    std::atomic<int> refused = 0;
    platform.instead = [&refused](const http::request& r) -> std::optional<http::response> {
        if (r.path() != "/v1/orders" || r.verb != http::verb::post || refused >= 3) return std::nullopt;
        http::response busy;
        busy.status = ++refused == 1 ? 429 : 503;
        busy.body = "{}";
        return busy;
    };
    EXPECT_TRUE(replay(small));
    EXPECT_EQ(platform.orders.size(), 4u);
    EXPECT_EQ(value("asked to wait (429, 503)"), "3");
}

TEST_F(replaying, what_the_platform_refuses_is_counted_and_the_rest_goes_on) {
    platform.instead = [](const http::request& r) -> std::optional<http::response> {
        if (r.body.find(R"("externalReference":"2")") == std::string::npos) return std::nullopt;
        http::response no;
        no.status = 400;
        no.body = R"({"reason":"TOO_BIG","detail":"no"})";
        return no;
    };
    EXPECT_FALSE(replay(small));
    EXPECT_EQ(platform.orders.size(), 3u);
    EXPECT_EQ(value("refused: TOO_BIG"), "1");
    EXPECT_EQ(value("unmatched: order was cancelled"), "2");
}

TEST_F(replaying, outlives_a_restart_of_the_platform_on_another_port) {
    std::thread operators([this] {
        platform.wait_for_orders(40);
        platform.stop();
        platform.start();
    });
    EXPECT_TRUE(replay(many(200)));
    operators.join();
    EXPECT_EQ(platform.orders.size(), 200u);
    EXPECT_EQ(value("placed now"), "200");
    EXPECT_EQ(platform.stock["A"], 0);
    EXPECT_NE(value("times the platform was away"), "");
}

TEST_F(replaying, gives_up_on_a_platform_that_stays_away_and_says_how_to_go_on) {
    o.patience = milliseconds(100);
    std::thread operators([this] {
        platform.wait_for_orders(10);
        platform.stop();
    });
    try {
        replay(many(2'000));
        ADD_FAILURE() << "it went on";
    } catch (const failure& f) {
        EXPECT_EQ(f.error().reason, "PLATFORM_AWAY");
        EXPECT_THAT(f.error().message, HasSubstr("run this again"));
    }
    operators.join();
    platform.start();
    o.patience = milliseconds(60'000);
    EXPECT_TRUE(replay(many(2'000)));
    EXPECT_EQ(platform.orders.size(), 2'000u);
    EXPECT_EQ(platform.stock["A"], 0);
}

TEST_F(replaying, an_open_loop_places_every_order_too) {
    o.rate = 20'000;
    EXPECT_TRUE(replay(many(100)));
    EXPECT_EQ(platform.orders.size(), 100u);
}

TEST_F(replaying, an_open_loop_does_not_pace_what_was_placed_before) {
    replay(many(100));
    o.rate = 0.01;  // the hundred alone would take hours
    EXPECT_TRUE(replay(many(100)));
    EXPECT_EQ(value("placed before"), "100");
}

TEST_F(replaying, reads_the_platforms_metrics_after_a_restart_too) {
    platform.instead = [](const http::request& r) -> std::optional<http::response> {
        if (r.path() != "/metrics") return std::nullopt;
        http::response page;
        page.body = "bv_saga_duration_seconds_bucket{le=\"0.1\"} 7\nbv_saga_duration_seconds_bucket{le=\"+Inf\"} 7\n";
        static std::atomic<int> reads = 0;
        if (++reads == 1) page.body = "";
        return page;
    };
    std::thread operators([this] {
        platform.wait_for_orders(40);
        platform.stop();
        platform.start();
    });
    EXPECT_TRUE(replay(many(200)));
    operators.join();
    EXPECT_THAT(printed, HasSubstr("of 7 sagas"));
}

TEST_F(replaying, a_refused_key_ends_it_at_once) {
    platform.instead = [](const http::request&) -> std::optional<http::response> {
        http::response no;
        no.status = 401;
        no.body = "{}";
        return no;
    };
    try {
        replay(small);
        ADD_FAILURE() << "it went on";
    } catch (const failure& f) {
        EXPECT_EQ(f.error().reason, "KEY_REFUSED");
    }
}

}  // namespace
}  // namespace bv::replay
