// How busy the process is, by its own figures: processor time of what its cores have, and calls a second.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>

#include "platform/core/clock.hpp"

namespace bv {

// Thread-safe.
class process_load {
public:
    // cores: that the process may use. `used`: processor time of the process so far. The clock outlives it.
    process_load(clock&, std::size_t cores, std::chrono::nanoseconds (*used)() noexcept = &processor_time);

    void called() noexcept { calls_.fetch_add(1, std::memory_order_relaxed); }
    void failed() noexcept { failures_.fetch_add(1, std::memory_order_relaxed); }

    struct figures {
        double cpu = 0;  // share of the cores
        double calls_per_second = 0, failures_per_second = 0;
    };
    // Over the time since it was last taken, a second ago or more; until one has passed what was taken then. So whoever asks, and
    // however often, the figures are of whole seconds.
    [[nodiscard]] figures now();

    [[nodiscard]] static std::chrono::nanoseconds processor_time() noexcept;

private:
    clock& clock_;
    const double cores_;
    std::chrono::nanoseconds (*const used_)() noexcept;
    std::atomic<std::uint64_t> calls_{0}, failures_{0};
    std::mutex mutex_;
    steady_point taken_;
    std::chrono::nanoseconds used_then_;
    std::uint64_t calls_then_ = 0, failures_then_ = 0;
    figures figures_{};
};

}  // namespace bv
