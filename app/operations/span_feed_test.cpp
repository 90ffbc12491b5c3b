#include "app/operations/span_feed.hpp"

#include <gtest/gtest.h>

namespace bv::operations {
namespace {

telemetry::finished_span a_span(std::string name) {
    auto s = std::make_shared<telemetry::span_record>();
    s->trace.back() = 7, s->id.back() = 8, s->parent.back() = 9;
    s->kind = telemetry::span_kind::client;
    s->failed = true;
    s->name = std::move(name), s->status_message = "12:34:no";
    s->start = time_point(microseconds(1'700'000'000'000'123));
    s->duration = std::chrono::nanoseconds(4'567);
    s->attributes = {{"service.name", std::string("order")}, {"db.rows", std::int64_t{-3}}};
    s->links.push_back({s->trace, s->id});
    return s;
}

span_batch parsed(const std::string& text) {
    span_batch out;
    EXPECT_TRUE(parse_spans(text, out));
    return out;
}

TEST(SpanFeed, CarriesAWholeSpan) {
    span_outlet outlet(10);
    const auto sent = a_span("OrderService/PlaceOrder");
    outlet.export_spans({&sent, 1});
    const auto got = parsed(outlet.after(0));
    ASSERT_EQ(got.spans.size(), 1u);
    const auto& s = *got.spans[0];
    EXPECT_EQ(s.trace, sent->trace);
    EXPECT_EQ(s.id, sent->id);
    EXPECT_EQ(s.parent, sent->parent);
    EXPECT_EQ(s.kind, sent->kind);
    EXPECT_TRUE(s.failed);
    EXPECT_EQ(s.name, sent->name);
    EXPECT_EQ(s.status_message, sent->status_message);
    EXPECT_EQ(s.start, sent->start);
    EXPECT_EQ(s.duration, sent->duration);
    EXPECT_EQ(s.text("service.name"), "order");
    EXPECT_EQ(std::get<std::int64_t>(s.attributes[1].value), -3);
    ASSERT_EQ(s.links.size(), 1u);
    EXPECT_EQ(s.links[0].span, sent->id);
}

TEST(SpanFeed, GivesWhatIsNewAndNoMoreThanItKeeps) {
    span_outlet outlet(2);
    for (const char* name : {"a", "b", "c"}) {
        const auto s = a_span(name);
        outlet.export_spans({&s, 1});
    }
    EXPECT_EQ(parsed(outlet.after(0)).spans.size(), 2u);
    EXPECT_EQ(parsed(outlet.after(2)).spans.at(0)->name, "c");
    EXPECT_EQ(parsed(outlet.after(3)).spans.size(), 0u);
    EXPECT_EQ(parsed(outlet.after(99)).spans.size(), 2u) << "a number of another process's life";
    EXPECT_EQ(parsed(outlet.after(99)).last, 3u);
}

TEST(SpanFeed, ACutAnswerIsRefused) {
    span_outlet outlet(2);
    const auto s = a_span("a");
    outlet.export_spans({&s, 1});
    const auto whole = outlet.after(0);
    const auto number = outlet.after(1).size();  // what comes before the spans
    for (std::size_t n = number + 1; n < whole.size(); n += 7) {
        span_batch out;
        EXPECT_FALSE(parse_spans(std::string_view(whole).substr(0, n), out)) << n;
    }
}

}  // namespace
}  // namespace bv::operations
