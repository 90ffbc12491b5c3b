#include "platform/telemetry/trace_store.hpp"

#include <gtest/gtest.h>

#include "platform/telemetry/semconv.hpp"
#include "platform/telemetry/trace_json.hpp"

namespace bv::telemetry {
namespace {

using std::chrono::milliseconds;

trace_id trace_number(int n) {
    trace_id id{};
    id[0] = static_cast<std::uint8_t>(n >> 8);
    id[1] = static_cast<std::uint8_t>(n);
    id[15] = 1;
    return id;
}

// A builder: a_span(trace).named("x").under(1)…
struct a_span {
    std::shared_ptr<span_record> record = std::make_shared<span_record>();
    explicit a_span(int trace, int id = 1) {
        record->trace = trace_number(trace);
        record->id[7] = static_cast<std::uint8_t>(id);
        record->name = "span " + std::to_string(id);
        record->start = time_point(std::chrono::seconds(1'000'000));
        record->duration = milliseconds(1);
    }
    a_span&& named(std::string name) && { return record->name = std::move(name), std::move(*this); }
    a_span&& under(int parent) && { return record->parent[7] = static_cast<std::uint8_t>(parent), std::move(*this); }
    a_span&& at(milliseconds offset) && { return record->start += offset, std::move(*this); }
    a_span&& lasting(milliseconds d) && { return record->duration = d, std::move(*this); }
    a_span&& failed(std::string why = "broken") && {
        record->failed = true;
        record->status_message = std::move(why);
        return std::move(*this);
    }
    a_span&& of(std::string service) && { return std::move(*this).with(std::string(semconv::service_name), std::move(service)); }
    a_span&& with(std::string key, std::string value) && {
        record->attributes.push_back({std::move(key), std::move(value)});
        return std::move(*this);
    }
    operator finished_span() && { return std::move(record); }
};

void add(trace_store& store, std::vector<finished_span> spans) { store.export_spans(spans); }

std::vector<int> numbers(const std::vector<trace_summary>& traces) {
    std::vector<int> out;
    for (const auto& t : traces) out.push_back(t.id[0] * 256 + t.id[1]);
    return out;
}

TEST(trace_store, lists_the_newest_first_and_forgets_the_oldest) {
    trace_store store({.max_traces = 3});
    for (int i = 1; i <= 5; ++i) add(store, {a_span(i)});
    EXPECT_EQ(numbers(store.recent()), (std::vector{5, 4, 3}));
    EXPECT_EQ(store.size(), 3u);
    EXPECT_FALSE(store.find(trace_number(1)));
    EXPECT_TRUE(store.find(trace_number(4)));
    EXPECT_EQ(numbers(store.recent({.limit = 2})), (std::vector{5, 4}));
}

TEST(trace_store, keeps_failed_and_slow_traces_longer_but_not_for_ever) {
    trace_store store({.max_traces = 2, .max_reserved = 2, .slow = milliseconds(100)});
    add(store, {a_span(1).failed()});
    add(store, {a_span(2).lasting(milliseconds(100))});
    for (int i = 3; i <= 6; ++i) add(store, {a_span(i)});
    EXPECT_EQ(numbers(store.recent()), (std::vector{6, 5, 2, 1}));
    add(store, {a_span(7).failed()});
    for (int i = 8; i <= 9; ++i) add(store, {a_span(i)});
    EXPECT_EQ(numbers(store.recent()), (std::vector{9, 8, 7, 2}));
}

TEST(trace_store, bounds_the_spans_of_a_trace) {
    trace_store store({.max_spans = 3});
    for (int i = 1; i <= 5; ++i) add(store, {a_span(1, i)});
    const auto trace = store.find(trace_number(1));
    ASSERT_TRUE(trace);
    EXPECT_EQ(trace->spans.size(), 3u);
    EXPECT_EQ(trace->summary.dropped, 2u);
}

TEST(trace_store, bounds_its_memory_however_large_the_spans) {
    constexpr std::size_t limit = 256 * 1024;
    trace_store store({.max_traces = 100'000, .max_reserved = 100'000, .max_bytes = limit});
    std::size_t most = 0;
    for (int i = 0; i < 3000; ++i) {
        auto span = a_span(i % 1000).with("text", std::string(1024, 'x'));
        if (i % 3 == 0) span.record->failed = true;
        add(store, {std::move(span)});
        most = std::max(most, store.bytes());
    }
    EXPECT_LE(most, limit);
    EXPECT_GT(store.size(), 50u);
    store.clear();
    EXPECT_EQ(store.bytes(), 0u);
    EXPECT_EQ(store.size(), 0u);
}

TEST(trace_store, one_endless_trace_does_not_push_out_the_others) {
    trace_store store({.max_spans = 1'000'000, .max_bytes = 256 * 1024});
    add(store, {a_span(1)});
    for (int i = 0; i < 2000; ++i) add(store, {a_span(2, i % 250 + 1).with("text", std::string(1000, 'x'))});
    EXPECT_TRUE(store.find(trace_number(1)));
    EXPECT_GT(store.find(trace_number(2))->summary.dropped, 1000u);
}

TEST(trace_store, smaller_bounds_take_effect_at_once) {
    trace_store store;
    for (int i = 1; i <= 10; ++i) add(store, {a_span(i)});
    store.configure({.max_traces = 4});
    EXPECT_EQ(numbers(store.recent()), (std::vector{10, 9, 8, 7}));
}

TEST(trace_store, summarises_a_trace_by_its_root) {
    trace_store store;
    add(store, {a_span(1, 2).named("order.append").under(1).at(milliseconds(2)).lasting(milliseconds(3)),
                a_span(1, 1).named("POST /v1/orders").of("gateway").lasting(milliseconds(8)),
                a_span(1, 3).named("process OrderPlaced").of("inventory").under(2).at(milliseconds(20)).lasting(milliseconds(5)).failed()});
    const auto all = store.recent();
    ASSERT_EQ(all.size(), 1u);
    EXPECT_EQ(all[0].name, "POST /v1/orders");
    EXPECT_EQ(all[0].service, "gateway");
    EXPECT_EQ(all[0].duration, milliseconds(25));
    EXPECT_EQ(all[0].spans, 3u);
    EXPECT_TRUE(all[0].failed);
    EXPECT_EQ(all[0].services, (std::vector<std::string>{"gateway", "inventory"}));
}

TEST(trace_store, a_trace_begun_elsewhere_is_named_by_its_earliest_span) {
    trace_store store;
    add(store, {a_span(1, 3).named("later").under(2).at(milliseconds(9)), a_span(1, 2).named("first here").under(99)});
    EXPECT_EQ(store.recent()[0].name, "first here");
}

TEST(trace_store, filters) {
    trace_store store;
    add(store, {a_span(1).named("GET /v1/products").of("product")});
    add(store, {a_span(2).named("POST /v1/orders").of("order").failed()});
    add(store, {a_span(3).named("POST /v1/orders").of("order").lasting(milliseconds(50))});
    EXPECT_EQ(numbers(store.recent({.service = "order"})), (std::vector{3, 2}));
    EXPECT_EQ(numbers(store.recent({.name = "products"})), (std::vector{1}));
    EXPECT_EQ(numbers(store.recent({.failed_only = true})), (std::vector{2}));
    EXPECT_EQ(numbers(store.recent({.min_duration = milliseconds(50)})), (std::vector{3}));
    EXPECT_EQ(numbers(store.recent({.service = "none"})), std::vector<int>{});
}

TEST(trace_store, the_processs_store_receives_every_sampled_span) {
    set_sampling_ratio(1);
    span s("stored", span_kind::internal, {});
    const trace_id id = s.context().trace_id;
    s.end();
    flush_spans();
    EXPECT_TRUE(recent_traces().find(id));
}

TEST(trace_json, a_waterfall_is_depth_first_with_children_by_start_and_services_inherited) {
    const std::vector<finished_span> spans{
        a_span(1, 4).named("late child").under(1).at(milliseconds(9)),
        a_span(1, 3).named("grandchild").under(2).at(milliseconds(3)),
        a_span(1, 2).named("early child").under(1).at(milliseconds(1)).of("order"),
        a_span(1, 1).named("root").of("gateway"),
        a_span(1, 9).named("orphan").under(77).at(milliseconds(4)),
    };
    std::string shape;
    for (const span_row& row : waterfall(spans))
        shape += std::string(row.depth * 2, ' ') + row.span->name + " [" + std::string(row.service) + "]\n";
    EXPECT_EQ(shape,
              "root [gateway]\n"
              "  early child [order]\n"
              "    grandchild [order]\n"
              "  late child [gateway]\n"
              "orphan []\n");
}

TEST(trace_json, spans_that_share_an_id_do_not_loop) {
    const std::vector<finished_span> spans{a_span(1, 1).under(1), a_span(1, 1).under(2), a_span(1, 2).under(1), a_span(1, 2)};
    EXPECT_LE(waterfall(spans).size(), spans.size());
}

TEST(trace_json, is_golden) {
    trace_store store;
    auto child = a_span(1, 2).named("say \"hi\"").under(1).at(milliseconds(2)).failed("no\n");
    child.record->attributes.push_back({"bv.batch.size", std::int64_t{3}});
    child.record->links.push_back({trace_number(2), span_id{0, 0, 0, 0, 0, 0, 0, 5}});
    add(store, {std::move(child), a_span(1, 1).named("root").of("order").lasting(milliseconds(5))});
    EXPECT_EQ(trace_json(*store.find(trace_number(1))),
              R"({"traceId":"00010000000000000000000000000001","name":"root","service":"order","startTime":"1970-01-12T13:46:40Z",)"
              R"("durationUs":5000,"spanCount":2,"droppedSpans":0,"error":true,"services":["order"],"spans":[)"
              R"({"spanId":"0000000000000001","depth":0,"name":"root","kind":"internal","service":"order","startTime":"1970-01-12T13:46:40Z",)"
              R"("offsetUs":0,"durationUs":5000,"error":false,"statusMessage":"","attributes":{"service.name":"order"},"links":[],"dropped":0},)"
              R"({"spanId":"0000000000000002","parentSpanId":"0000000000000001","depth":1,"name":"say \"hi\"","kind":"internal","service":"order",)"
              R"("startTime":"1970-01-12T13:46:40.002Z","offsetUs":2000,"durationUs":1000,"error":true,"statusMessage":"no\n",)"
              R"("attributes":{"bv.batch.size":3},"links":[{"traceId":"00020000000000000000000000000001","spanId":"0000000000000005"}],"dropped":0}]})");
    EXPECT_EQ(traces_json({}), R"({"traces":[]})");
    EXPECT_EQ(traces_json(store.recent()),
              R"({"traces":[{"traceId":"00010000000000000000000000000001","name":"root","service":"order","startTime":"1970-01-12T13:46:40Z",)"
              R"("durationUs":5000,"spanCount":2,"droppedSpans":0,"error":true,"services":["order"]}]})");
}

}  // namespace
}  // namespace bv::telemetry
