// Each statement is a span under the caller's, and is counted.
#include <memory>
#include <mutex>

#include "platform/storage/postgres/scratch.hpp"
#include "platform/telemetry/metrics.hpp"
#include "platform/telemetry/semconv.hpp"
#include "platform/telemetry/span_exporter.hpp"

namespace bv::pg {
namespace {

using namespace scratch;
namespace semconv = telemetry::semconv;

struct recorder final : telemetry::span_exporter {
    std::mutex mutex;
    std::vector<telemetry::finished_span> spans;
    void export_spans(std::span<const telemetry::finished_span> batch) override {
        const std::scoped_lock lock(mutex);
        spans.insert(spans.end(), batch.begin(), batch.end());
    }
};

constexpr statement fine{"traced.fine", "SELECT 1::int8"};
constexpr statement fails{"traced.fails", "SELECT 1 / $1::int4"};

task<void> run_both(storage::unit_of_work& uow) {
    of(uow).send(fine);
    co_await of(uow).query(fails, params(0));
}

std::vector<telemetry::finished_span> spans_of(std::string traceparent) {
    const auto seen = std::make_shared<recorder>();
    telemetry::add_span_exporter(seen);
    struct body {
        static task<void> of_test(database& db, std::string parent) {
            storage::transaction_options o;
            o.identity = storage::system_identity("service:test", std::move(parent));
            (void)co_await failure_of(db.run(o, run_both));
        }
    };
    with_database([&](database& db) { return body::of_test(db, traceparent); });
    telemetry::flush_spans();
    telemetry::remove_span_exporter(seen.get());
    return seen->spans;
}

TEST(tracing, a_statement_is_a_client_span_under_the_callers) {
    const std::string parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    const auto spans = spans_of(parent);
    ASSERT_EQ(spans.size(), 2U);
    EXPECT_EQ(spans[0]->name, "traced.fine");
    EXPECT_EQ(spans[0]->kind, telemetry::span_kind::client);
    EXPECT_EQ(telemetry::hex(spans[0]->trace), parent.substr(3, 32));
    EXPECT_EQ(telemetry::hex(spans[0]->parent), parent.substr(36, 16));
    EXPECT_EQ(spans[0]->text(semconv::db_system), "postgresql");
    EXPECT_EQ(spans[0]->text(semconv::db_operation_name), "SELECT");
    EXPECT_FALSE(spans[0]->failed);
    EXPECT_EQ(spans[1]->name, "traced.fails");
    EXPECT_TRUE(spans[1]->failed);
    EXPECT_EQ(spans[1]->text(semconv::db_response_status_code), "22012");
}

TEST(tracing, an_unsampled_or_absent_parent_makes_no_spans) {
    EXPECT_TRUE(spans_of("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00").empty());
    EXPECT_TRUE(spans_of("").empty());
}

PG_TEST(tracing, statements_are_counted_and_timed) {
    auto& counted = telemetry::count("bv_pg_statements_total", "", {{"database", "admin"}});
    auto& timed = telemetry::time("bv_pg_statement_seconds", "", {{"database", "admin"}});
    const auto before = counted.value();
    const auto timed_before = timed.count();
    co_await db.query(fine);
    EXPECT_EQ(counted.value(), before + 1);
    EXPECT_EQ(timed.count(), timed_before + 1);
    EXPECT_THAT(telemetry::exposition(), ::testing::HasSubstr("bv_pg_connections_open{database=\"admin\"} 1"));
}

}  // namespace
}  // namespace bv::pg
