#include <atomic>
#include <cmath>
#include <cstring>
#include <utility>

#include "platform/telemetry/masking.hpp"
#include "platform/telemetry/span_pipeline.hpp"
#include "platform/telemetry/trace.hpp"

namespace bv::telemetry {

namespace {

constexpr std::size_t max_attributes = 32;
constexpr std::size_t max_links = 32;
constexpr std::size_t max_text = 1024;

std::atomic<double> ratio{1.0};

// Ids need to be unique, not secret: a generator per thread, seeded from the operating system.
rng& ids() {
    thread_local seeded_rng generator(system_rng().next());
    return generator;
}

}  // namespace

void seed_span_ids(std::uint64_t seed) { ids() = seeded_rng(seed); }

namespace {

span_id new_span_id() {
    span_id id{};
    do ids().fill(id);
    while (id == span_id{});
    return id;
}

}  // namespace

bool is_drawn(const trace_id& id, double share) noexcept {
    if (share >= 1.0) return true;
    std::uint64_t low = 0;
    std::memcpy(&low, id.data() + 8, sizeof low);
    return static_cast<double>(low >> 11) * 0x1.0p-53 < share;
}

void set_sampling_ratio(double wanted) noexcept {
    ratio.store(std::isnan(wanted) ? 0.0 : std::fmin(std::fmax(wanted, 0.0), 1.0), std::memory_order_relaxed);
}

double sampling_ratio() noexcept { return ratio.load(std::memory_order_relaxed); }

span::span(std::string_view name, span_kind kind, const span_context& parent) {
    if (parent.valid()) {
        context_ = parent;  // an unsampled child stands for its parent: no ids, no allocation
        if (!parent.sampled) return;
        context_.span_id = new_span_id();
    } else {
        do ids().fill(context_.trace_id);
        while (!context_.valid());
        context_.span_id = new_span_id();
        context_.sampled = is_drawn(context_.trace_id, ratio.load(std::memory_order_relaxed));
        if (!context_.sampled) return;
    }
    record_ = std::make_shared<span_record>();
    record_->trace = context_.trace_id;
    record_->id = context_.span_id;
    if (parent.valid()) record_->parent = parent.span_id;
    record_->kind = kind;
    record_->name = masked_text(name.substr(0, max_text));
    record_->start = system_clock().now();
    record_->steady_start = system_clock().steady_now();
}

span::span(span&& other) noexcept : context_(other.context_), record_(std::move(other.record_)) {}

void span::rename(std::string_view name) {
    if (record_) record_->name = masked_text(name.substr(0, max_text));
}

span& span::operator=(span&& other) noexcept {
    if (this == &other) return *this;
    end();
    context_ = other.context_;
    record_ = std::move(other.record_);
    return *this;
}

span::~span() { end(); }

void span::set(std::string_view key, std::string_view value) {
    if (!record_) return;
    for (attribute& a : record_->attributes) {
        if (a.key != key) continue;
        a.value = masked_text(value.substr(0, max_text));
        return;
    }
    if (record_->attributes.size() >= max_attributes) {
        ++record_->dropped;
        return;
    }
    record_->attributes.push_back({std::string(key.substr(0, max_text)), masked_text(value.substr(0, max_text))});
}

void span::set(std::string_view key, std::int64_t value) {
    if (!record_) return;
    for (attribute& a : record_->attributes) {
        if (a.key != key) continue;
        a.value = value;
        return;
    }
    if (record_->attributes.size() >= max_attributes) {
        ++record_->dropped;
        return;
    }
    record_->attributes.push_back({std::string(key.substr(0, max_text)), value});
}

void span::link(const span_context& to) {
    if (!record_ || !to.valid()) return;
    if (record_->links.size() >= max_links) {
        ++record_->dropped;
        return;
    }
    record_->links.push_back({to.trace_id, to.span_id});
}

void span::fail(std::string_view description) {
    if (!record_) return;
    record_->failed = true;
    record_->status_message = masked_text(description.substr(0, max_text));
}

void span::end() {
    if (!record_) return;
    record_->duration = system_clock().steady_now() - record_->steady_start;
    publish(std::exchange(record_, nullptr));
}

}  // namespace bv::telemetry
