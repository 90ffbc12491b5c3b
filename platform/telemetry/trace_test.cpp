#include "platform/telemetry/trace.hpp"

#include <atomic>
#include <memory>
#include <mutex>
#include <thread>

#include <gtest/gtest.h>

#include "platform/telemetry/semconv.hpp"
#include "platform/telemetry/span_exporter.hpp"

namespace bv::telemetry {
namespace {

struct recorder final : span_exporter {
    std::mutex mutex;
    std::vector<finished_span> spans;
    void export_spans(std::span<const finished_span> batch) override {
        const std::scoped_lock lock(mutex);
        spans.insert(spans.end(), batch.begin(), batch.end());
    }
};

class tracing : public testing::Test {
protected:
    void SetUp() override {
        flush_spans();
        set_sampling_ratio(1);
        add_span_exporter(seen_);
    }
    void TearDown() override {
        remove_span_exporter(seen_.get());
        set_sampling_ratio(1);
    }
    std::vector<finished_span> finished() {
        flush_spans();
        const std::scoped_lock lock(seen_->mutex);
        return seen_->spans;
    }
    std::shared_ptr<recorder> seen_ = std::make_shared<recorder>();
};

struct traceparent_case {
    const char* what;
    std::string_view text;
    bool valid;
    bool sampled;
};

const traceparent_case traceparents[] = {
    {"sampled", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", true, true},
    {"not sampled", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00", true, false},
    {"other flags", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-fe", true, false},
    {"other flags and sampled", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-ff", true, true},
    {"later version", "cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", true, true},
    {"later version with more", "cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-what-ever", true, true},
    {"later version run together", "cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01x", false, false},
    {"version 00 with more", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more", false, false},
    {"version ff", "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", false, false},
    {"version not hexadecimal", "0x-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", false, false},
    {"zero trace id", "00-00000000000000000000000000000000-b7ad6b7169203331-01", false, false},
    {"zero span id", "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01", false, false},
    {"upper case", "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01", false, false},
    {"short", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0", false, false},
    {"no flags", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331", false, false},
    {"flags not hexadecimal", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0g", false, false},
    {"wrong separators", "00_0af7651916cd43dd8448eb211c80319c_b7ad6b7169203331_01", false, false},
    {"digit too many in the id", "00-0af7651916cd43dd8448eb211c80319c0-b7ad6b7169203331-01", false, false},
    {"leading space", " 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", false, false},
    {"empty", "", false, false},
};

TEST(traceparent, is_read_as_trace_context_says) {
    for (const traceparent_case& c : traceparents) {
        SCOPED_TRACE(c.what);
        const span_context context = span_context::parse(c.text);
        EXPECT_EQ(context.valid(), c.valid);
        EXPECT_EQ(context.sampled, c.sampled);
    }
}

TEST(traceparent, is_written_as_it_was_read) {
    for (const std::string_view text : {traceparents[0].text, traceparents[1].text})
        EXPECT_EQ(span_context::parse(text).traceparent(), text);
    EXPECT_EQ(span_context{}.traceparent(), "");
    EXPECT_EQ(span_context::parse(traceparents[0].text).trace_id_hex(), "0af7651916cd43dd8448eb211c80319c");
}

TEST_F(tracing, a_root_begins_a_trace_and_its_child_continues_it) {
    span root("POST /v1/orders", span_kind::server, {});
    span child("order.append", span_kind::client, root.context());
    EXPECT_TRUE(root.context().valid());
    EXPECT_EQ(child.context().trace_id, root.context().trace_id);
    EXPECT_NE(child.context().span_id, root.context().span_id);
    child.end();
    root.end();
    const auto spans = finished();
    ASSERT_EQ(spans.size(), 2u);
    EXPECT_EQ(spans[0]->name, "order.append");
    EXPECT_EQ(spans[0]->parent, root.context().span_id);
    EXPECT_EQ(spans[1]->parent, span_id{});
    EXPECT_GE(spans[1]->duration, spans[0]->duration);
}

TEST_F(tracing, a_span_keeps_attributes_links_and_its_failure) {
    span other("other", span_kind::internal, {});
    {
        span s("process OrderPlaced", span_kind::consumer, {});
        s.set(semconv::service_name, "inventory");
        s.set(semconv::batch_size, 1);
        s.set(semconv::batch_size, 12);
        s.link(other.context());
        s.fail("stock is gone");
    }
    const auto spans = finished();
    ASSERT_EQ(spans.size(), 1u);
    EXPECT_EQ(spans[0]->text(semconv::service_name), "inventory");
    ASSERT_EQ(spans[0]->attributes.size(), 2u);
    EXPECT_EQ(std::get<std::int64_t>(spans[0]->attributes[1].value), 12);
    ASSERT_EQ(spans[0]->links.size(), 1u);
    EXPECT_EQ(spans[0]->links[0].trace, other.context().trace_id);
    EXPECT_TRUE(spans[0]->failed);
    EXPECT_EQ(spans[0]->status_message, "stock is gone");
}

TEST_F(tracing, a_span_is_recorded_once_however_it_ends) {
    span a("a", span_kind::internal, {});
    span b = std::move(a);
    a.end();
    b.end();
    b.end();
    b = span("c", span_kind::internal, {});
    b = span();
    EXPECT_EQ(finished().size(), 2u);
}

TEST_F(tracing, the_callers_decision_is_respected) {
    set_sampling_ratio(1);
    const auto unsampled = span_context::parse("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00");
    span quiet("quiet", span_kind::server, unsampled);
    EXPECT_EQ(quiet.context().traceparent(), unsampled.traceparent());
    quiet.set("a", "b");
    quiet.end();
    set_sampling_ratio(0);
    span loud("loud", span_kind::server, span_context::parse("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"));
    loud.end();
    const auto spans = finished();
    ASSERT_EQ(spans.size(), 1u);
    EXPECT_EQ(spans[0]->name, "loud");
}

TEST_F(tracing, an_unsampled_root_still_has_a_trace_id_to_log_and_pass_on) {
    set_sampling_ratio(0);
    span root("root", span_kind::server, {});
    EXPECT_TRUE(root.context().valid());
    EXPECT_FALSE(root.context().sampled);
    EXPECT_TRUE(root.context().traceparent().ends_with("-00"));
    span child("child", span_kind::internal, root.context());
    child.end();
    root.end();
    EXPECT_TRUE(finished().empty());
}

TEST_F(tracing, about_the_wanted_share_of_roots_is_sampled) {
    set_sampling_ratio(0.25);
    int sampled = 0;
    for (int i = 0; i < 4000; ++i) sampled += span("root", span_kind::internal, {}).context().sampled ? 1 : 0;
    EXPECT_NEAR(sampled, 1000, 200);  // seven standard deviations
}

TEST_F(tracing, a_ratio_out_of_range_is_clamped) {
    set_sampling_ratio(7);
    EXPECT_EQ(sampling_ratio(), 1);
    set_sampling_ratio(-1);
    EXPECT_EQ(sampling_ratio(), 0);
}

TEST_F(tracing, a_span_has_bounds) {
    {
        span s("s", span_kind::internal, {});
        for (int i = 0; i < 40; ++i) s.set("key " + std::to_string(i), i);
        s.set("key 0", std::string(5000, 'x'));
        for (int i = 0; i < 40; ++i) s.link(span("l", span_kind::internal, {}).context());
    }
    const auto spans = finished();
    const span_record& s = *spans.back();
    EXPECT_EQ(s.attributes.size(), 32u);
    EXPECT_EQ(s.links.size(), 32u);
    EXPECT_EQ(s.dropped, 16u);
    EXPECT_EQ(s.text("key 0").size(), 1024u);
}

TEST_F(tracing, an_email_address_in_an_attribute_is_masked) {
    {
        span s("mail to ada@example.com", span_kind::internal, {});
        s.set("to", "ada@example.com");
        s.fail("no such user: ada@example.com");
    }
    const auto spans = finished();
    EXPECT_EQ(spans[0]->name, "mail to ***");
    EXPECT_EQ(spans[0]->text("to"), "***");
    EXPECT_EQ(spans[0]->status_message, "no such user: ***");
}

// Each thread ends with spans in its buffer, while others flush: each span arrives once.
TEST_F(tracing, spans_of_many_threads_all_arrive_once) {
    constexpr int threads = 400;
    constexpr int each = 100;
    std::atomic<bool> done = false;
    std::vector<std::thread> flushing;
    for (int n = 0; n < 2; ++n) {
        flushing.emplace_back([&] {
            while (!done) flush_spans();
        });
    }
    for (int begun = 0; begun < threads; begun += 8) {
        std::vector<std::thread> some;
        for (int t = 0; t < 8; ++t) {
            some.emplace_back([] {
                for (int i = 0; i < each; ++i) span("work", span_kind::internal, {}).set("i", i);
            });
        }
        for (auto& t : some) t.join();
    }
    done = true;
    for (auto& t : flushing) t.join();
    EXPECT_EQ(finished().size(), static_cast<std::size_t>(threads * each));
}

TEST_F(tracing, an_exporter_that_throws_does_not_keep_spans_from_others) {
    struct broken final : span_exporter {
        void export_spans(std::span<const finished_span>) override { throw std::runtime_error("full"); }
    };
    const auto bad = std::make_shared<broken>();
    const auto late = std::make_shared<recorder>();
    add_span_exporter(bad);
    add_span_exporter(late);
    span("s", span_kind::internal, {}).end();
    flush_spans();
    remove_span_exporter(bad.get());
    remove_span_exporter(late.get());
    EXPECT_EQ(late->spans.size(), 1u);
}

}  // namespace
}  // namespace bv::telemetry
