#include "platform/telemetry/span_pipeline.hpp"

#include <algorithm>
#include <mutex>
#include <utility>
#include <vector>

#include "platform/telemetry/trace_store.hpp"

namespace bv::telemetry {

namespace {

constexpr std::size_t batch = 64;

struct buffer {
    std::mutex mutex;  // taken by its own thread, and by a flush
    std::vector<finished_span> spans;

    std::vector<finished_span> take() {
        const std::scoped_lock lock(mutex);
        return std::exchange(spans, {});
    }
};

using exporters = std::vector<std::shared_ptr<span_exporter>>;

struct pipeline {
    std::mutex mutex;
    std::vector<std::shared_ptr<buffer>> buffers;
    std::shared_ptr<const exporters> targets;

    pipeline() {
        // The store lives as long as the process: nothing to release.
        const std::shared_ptr<span_exporter> store(&recent_traces(), [](span_exporter*) {});
        targets = std::make_shared<const exporters>(exporters{store});
    }

    void deliver(std::span<const finished_span> spans) noexcept {
        if (spans.empty()) return;
        std::shared_ptr<const exporters> to;
        {
            const std::scoped_lock lock(mutex);
            to = targets;
        }
        for (const auto& exporter : *to) {
            try {
                exporter->export_spans(spans);
            } catch (...) {
                // Losing a trace must not fail the request that it is about.
            }
        }
    }
};

// Never destroyed: threads may end spans while static objects are being destroyed.
pipeline& the_pipeline() {
    static auto* const instance = new pipeline;
    return *instance;
}

// A thread's buffer; what is left in it is delivered when the thread ends.
class thread_buffer {
public:
    thread_buffer() : buffer_(std::make_shared<buffer>()) {
        buffer_->spans.reserve(batch);
        pipeline& p = the_pipeline();
        const std::scoped_lock lock(p.mutex);
        p.buffers.push_back(buffer_);
    }
    ~thread_buffer() {
        pipeline& p = the_pipeline();
        {
            const std::scoped_lock lock(p.mutex);
            std::erase(p.buffers, buffer_);
        }
        p.deliver(buffer_->take());  // a flush may hold the buffer still
    }
    thread_buffer(const thread_buffer&) = delete;
    thread_buffer& operator=(const thread_buffer&) = delete;

    void push(finished_span span) {
        std::vector<finished_span> full;
        {
            const std::scoped_lock lock(buffer_->mutex);
            buffer_->spans.push_back(std::move(span));
            if (buffer_->spans.size() < batch) return;
            full.swap(buffer_->spans);
            buffer_->spans.reserve(batch);
        }
        the_pipeline().deliver(full);
    }

private:
    std::shared_ptr<buffer> buffer_;
};

}  // namespace

void publish(finished_span span) noexcept {
    try {
        thread_local thread_buffer mine;
        mine.push(std::move(span));
    } catch (...) {
        // Out of memory: the span is lost, its request is not.
    }
}

void flush_spans() {
    pipeline& p = the_pipeline();
    std::vector<std::shared_ptr<buffer>> buffers;
    {
        const std::scoped_lock lock(p.mutex);
        buffers = p.buffers;
    }
    for (const auto& b : buffers) p.deliver(b->take());
}

void add_span_exporter(std::shared_ptr<span_exporter> exporter) {
    pipeline& p = the_pipeline();
    const std::scoped_lock lock(p.mutex);
    auto changed = std::make_shared<exporters>(*p.targets);
    changed->push_back(std::move(exporter));
    p.targets = std::move(changed);
}

void remove_span_exporter(const span_exporter* exporter) {
    pipeline& p = the_pipeline();
    const std::scoped_lock lock(p.mutex);
    auto changed = std::make_shared<exporters>(*p.targets);
    std::erase_if(*changed, [exporter](const auto& e) { return e.get() == exporter; });
    p.targets = std::move(changed);
}

}  // namespace bv::telemetry
