#include "platform/runtime/runtime.hpp"

#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>

#include "platform/core/assert.hpp"
#include "platform/core/error.hpp"

namespace bv {
namespace {

constexpr std::size_t outside = max_cores - 1;
thread_local std::size_t this_core = outside;

using guard = asio::executor_work_guard<asio::io_context::executor_type>;

}  // namespace

struct runtime::impl {
    std::vector<std::unique_ptr<asio::io_context>> contexts;
    std::vector<guard> guards;
    std::vector<std::thread> threads;
    std::mutex mutex;  // guards what follows and every outcome
    std::condition_variable changed;
    bool started = false, stopped = false;
};

namespace {

struct outcome {
    bool done = false;
    std::exception_ptr error;
};

}  // namespace

runtime::runtime(std::size_t cores) : impl_(std::make_unique<impl>()) {
    if (cores == 0) cores = std::max(1U, std::thread::hardware_concurrency());
    cores = std::min(cores, outside);
    for (std::size_t i = 0; i < cores; ++i) {
        // Concurrency hint 1: one thread runs it, though others may post to it.
        impl_->contexts.push_back(std::make_unique<asio::io_context>(1));
        impl_->guards.emplace_back(impl_->contexts.back()->get_executor());
    }
}

runtime::~runtime() {
    stop();
    for (auto& t : impl_->threads)
        if (t.joinable()) t.join();
}

std::size_t runtime::cores() const noexcept { return impl_->contexts.size(); }
asio::io_context& runtime::context(std::size_t core) noexcept { return *impl_->contexts[core]; }
std::size_t runtime::current_core() noexcept { return this_core; }

void runtime::start() {
    {
        std::lock_guard lock(impl_->mutex);
        BV_ASSERT(!impl_->started);
        impl_->started = true;
    }
    for (std::size_t i = 0; i < cores(); ++i)
        impl_->threads.emplace_back([this, i] {
            this_core = i;
            // An exception that leaves a handler is a bug with no caller to tell: the process ends with its trace.
            context(i).run();
        });
}

void runtime::stop() noexcept {
    {
        std::lock_guard lock(impl_->mutex);
        impl_->stopped = true;
    }
    impl_->changed.notify_all();
    for (auto& c : impl_->contexts) c->stop();
}

void runtime::join() {
    BV_ASSERT(this_core == outside);
    for (auto& t : impl_->threads)
        if (t.joinable()) t.join();
}

void runtime::run_blocking(task<void> inner, std::size_t core) {
    BV_ASSERT(this_core == outside);
    BV_ASSERT(core < cores());
    auto result = std::make_shared<outcome>();
    std::unique_lock lock(impl_->mutex);
    BV_ASSERT(impl_->started);
    lock.unlock();
    asio::co_spawn(context(core), std::move(inner), [i = impl_.get(), result](std::exception_ptr e) {
        {
            std::lock_guard done(i->mutex);
            result->done = true;
            result->error = std::move(e);
        }
        i->changed.notify_all();
    });
    lock.lock();
    impl_->changed.wait(lock, [&] { return result->done || impl_->stopped; });
    if (!result->done) throw failure(code::cancelled, "RUNTIME_STOPPED", "the runtime stopped before the task ended");
    if (result->error) std::rethrow_exception(result->error);
}

}  // namespace bv
