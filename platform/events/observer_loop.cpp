#include "platform/events/observer_loop.hpp"

#include <utility>

namespace bv::events {
namespace {

constexpr std::size_t at_once = 256;
constexpr milliseconds idle_check{1'000};  // at most this long until a wake that was missed for any reason is made up for

}  // namespace

observer_loop::observer_loop(observer o, std::shared_ptr<source_tail> tail, asio::any_io_executor e, clock& c)
    : what_(std::move(o)), tail_(std::move(tail)), work_(std::make_shared<signal>(std::move(e), c)) {
    tail_->attach(work_);
}

void observer_loop::halt() noexcept {
    halted_ = true;
    work_->notify();
}

task<void> observer_loop::run() {
    while (!halted_)
        if (!step()) co_await work_->wait_for(idle_check);
}

bool observer_loop::step() {
    if (!tail_->begun()) return false;
    const auto slice = tail_->take(seen_, what_.types, at_once);
    if (slice.generation != generation_ || slice.behind) {
        // All up to head is committed: whoever reads after this sees it, and what comes after head is told.
        what_.missed();
        generation_ = slice.generation;
        seen_ = slice.head;
        return true;
    }
    for (const auto& e : slice.events) what_.seen(*e);
    return std::exchange(seen_, slice.scanned) != slice.scanned;
}

}  // namespace bv::events
