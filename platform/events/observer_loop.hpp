// One observer at work: hands on what the source's tail reads, from the moment that it can be read on.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>

#include <boost/asio/any_io_executor.hpp>

#include "platform/core/clock.hpp"
#include "platform/core/task.hpp"
#include "platform/events/log.hpp"
#include "platform/events/source_tail.hpp"
#include "platform/runtime/signal.hpp"

namespace bv::events {

class observer_loop {
public:
    observer_loop(observer, std::shared_ptr<source_tail>, asio::any_io_executor, clock&);

    // Until halt(), on the executor given.
    task<void> run();
    // Thread-safe.
    void halt() noexcept;
    [[nodiscard]] const observer& what() const noexcept { return what_; }

private:
    // False: there is nothing more now.
    bool step();

    const observer what_;
    const std::shared_ptr<source_tail> tail_;
    const std::shared_ptr<signal> work_;
    std::optional<std::uint64_t> generation_;  // of the tail that is followed
    std::int64_t seen_ = 0;
    std::atomic<bool> halted_{false};
};

}  // namespace bv::events
