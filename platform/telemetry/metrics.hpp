// Counters, gauges and histograms in Prometheus' text format. Handles are cheap to keep and lock-free to use.
// Base units, _total for counters, bounded label values.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace bv::telemetry {

using labels = std::initializer_list<std::pair<std::string_view, std::string_view>>;

class counter {
public:
    void add(std::uint64_t n = 1) noexcept { value_.fetch_add(n, std::memory_order_relaxed); }
    [[nodiscard]] std::uint64_t value() const noexcept { return value_.load(std::memory_order_relaxed); }

private:
    std::atomic<std::uint64_t> value_{0};
};

class gauge {
public:
    void set(double v) noexcept { value_.store(v, std::memory_order_relaxed); }
    void add(double v) noexcept { value_.fetch_add(v, std::memory_order_relaxed); }
    [[nodiscard]] double value() const noexcept { return value_.load(std::memory_order_relaxed); }

private:
    std::atomic<double> value_{0};
};

// Seconds. Buckets: 0.5 ms … 30 s, each about 2.2 × the one before.
class histogram {
public:
    static constexpr int buckets = 15;
    void observe(double seconds) noexcept;
    // Upper bound of the bucket that holds quantile q, interpolated; 0 when empty.
    [[nodiscard]] double quantile(double q) const noexcept;
    [[nodiscard]] static std::span<const double, buckets> bounds() noexcept;
    [[nodiscard]] std::uint64_t count() const noexcept;
    [[nodiscard]] double sum() const noexcept;
    [[nodiscard]] std::uint64_t bucket(int i) const noexcept;  // not cumulative; i == buckets: above the last bound

private:
    std::atomic<std::uint64_t> counts_[buckets + 1]{};
    std::atomic<double> sum_{0};
};

// Registers on first use and returns the same object after: thread-safe, lives as long as the process. Keep the
// reference: the look-up takes a lock. A family holds at most 1,000 series; more labels share one with overflow="true".
// A malformed name, or one name for two kinds of metric, is a bug and aborts.
counter& count(std::string_view name, std::string_view help, labels = {});
gauge& measure(std::string_view name, std::string_view help, labels = {});
histogram& time(std::string_view name, std::string_view help, labels = {});
// A gauge read at scrape time. Observing the same name and labels again replaces the reader. The reader runs on the
// scraping thread under a lock: it is quick and calls nothing of this header.
void observe(std::string_view name, std::string_view help, std::function<double()> read, labels = {});
// Once it returns the reader runs no more: call before what it reads is destroyed.
void forget(std::string_view name, labels = {});

// The text of GET /metrics (Prometheus exposition format 0.0.4).
// Includes the process's own metrics: memory, CPU, descriptors, threads, start time.
[[nodiscard]] std::string exposition();
inline constexpr std::string_view exposition_content_type = "text/plain; version=0.0.4; charset=utf-8";

}  // namespace bv::telemetry
