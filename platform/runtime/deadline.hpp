// Deadlines: a task that is cancelled when its time is up.
#pragma once

#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "platform/core/clock.hpp"
#include "platform/core/task.hpp"

namespace bv {

namespace detail {
task<void> run_until(clock&, steady_point, task<void>);

template <class T>
task<void> store(task<T> inner, std::shared_ptr<std::optional<T>> out) {
    out->emplace(co_await std::move(inner));
}
}  // namespace detail

// Runs inner on the caller's executor. At the deadline it is cancelled, and once it has ended failure
// DEADLINE_EXCEEDED is thrown, unless it still ended with a value. A cancelled caller cancels inner and gets what
// inner throws. Resumes only when inner has ended: inner may refer to the caller's frame.
// The clock must outlive the call. A deadline in the past lets inner run up to its first suspension.
template <class T>
task<T> with_deadline(clock& c, steady_point at, task<T> inner) {
    if constexpr (std::is_void_v<T>) {
        co_await detail::run_until(c, at, std::move(inner));
    } else {
        auto out = std::make_shared<std::optional<T>>();
        co_await detail::run_until(c, at, detail::store(std::move(inner), out));
        co_return std::move(**out);
    }
}

}  // namespace bv
