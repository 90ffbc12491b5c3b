#include "platform/runtime/scope.hpp"

#include <exception>
#include <list>
#include <mutex>
#include <vector>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>

#include "platform/core/assert.hpp"
#include "platform/core/error.hpp"
#include "platform/runtime/waiter.hpp"
#include "platform/telemetry/log.hpp"
#include "platform/telemetry/metrics.hpp"

namespace bv {
namespace {

// One spawned task. The signal is touched on the executor only.
struct running {
    asio::any_io_executor executor;
    asio::cancellation_signal signal;
    explicit running(asio::any_io_executor e) : executor(std::move(e)) {}
};

}  // namespace

// Kept alive by every task and every join, so that the last of them may finish after the scope is gone.
struct scope::state {
    const std::string name;
    mutable std::mutex mutex;
    bool stopping = false;
    std::list<std::shared_ptr<running>> tasks;
    std::vector<std::shared_ptr<waiter>> joiners;

    // All of the process, for running_tasks().
    struct registry {
        std::mutex mutex;
        std::vector<const state*> states;
    };
    static registry& everyone() {
        static registry r;
        return r;
    }

    explicit state(std::string n) : name(std::move(n)) {
        const std::lock_guard lock(everyone().mutex);
        everyone().states.push_back(this);
    }
    ~state() {
        const std::lock_guard lock(everyone().mutex);
        std::erase(everyone().states, this);
    }
    state(const state&) = delete;
    state& operator=(const state&) = delete;

    void ended(std::list<std::shared_ptr<running>>::iterator it) noexcept {
        std::vector<std::shared_ptr<waiter>> wake;
        std::shared_ptr<running> last = *it;  // destroyed outside the lock
        {
            std::lock_guard lock(mutex);
            tasks.erase(it);
            if (tasks.empty()) wake.swap(joiners);
        }
        for (auto& w : wake) w->wake();
    }

    void report(const std::exception_ptr& e) const noexcept try {
        try {
            std::rethrow_exception(e);
        } catch (...) {
            const error why = current_error();
            if (why.code == code::cancelled) return;
            telemetry::count("bv_scope_failures_total", "Background tasks that ended with an exception", {{"scope", name}}).add();
            telemetry::error("scope.task_failed", {{"scope", name}, {"code", bv::name(why.code)}, {"reason", why.reason}, {"message", why.message}});
        }
    } catch (...) {  // out of memory while reporting: the task has ended all the same
    }
};

namespace {

// Ends the task's entry when its completion handler is destroyed: called or abandoned with its io_context.
template <class State, class Iterator>
class ticket {
public:
    ticket(std::shared_ptr<State> s, Iterator it) : state_(std::move(s)), it_(it) {}
    ticket(ticket&& other) noexcept : state_(std::move(other.state_)), it_(other.it_) {}
    ticket& operator=(ticket&&) = delete;
    ~ticket() { release(); }
    void release() noexcept {
        if (auto s = std::move(state_)) s->ended(it_);
    }
    [[nodiscard]] State& state() const noexcept { return *state_; }

private:
    std::shared_ptr<State> state_;
    Iterator it_;
};

}  // namespace

scope::scope(std::string name) : state_(std::make_shared<state>(std::move(name))) {}

scope::~scope() { BV_ASSERT(size() == 0); }

void scope::spawn(asio::any_io_executor executor, task<void> job) {
    auto entry = std::make_shared<running>(executor);
    std::list<std::shared_ptr<running>>::iterator it;
    {
        std::lock_guard lock(state_->mutex);
        if (state_->stopping) return;
        it = state_->tasks.insert(state_->tasks.end(), entry);
    }
    ticket place(state_, it);
    // Started on its own executor, so that the signal is connected there, where stop() emits it.
    asio::post(executor, [entry, place = std::move(place), job = std::move(job)]() mutable {
        {
            std::lock_guard lock(place.state().mutex);
            if (place.state().stopping) return;
        }
        auto done = [place = std::move(place)](const std::exception_ptr& e) mutable {
            if (e) place.state().report(e);
            place.release();
        };
        asio::co_spawn(entry->executor, std::move(job), asio::bind_cancellation_slot(entry->signal.slot(), std::move(done)));
    });
}

void scope::stop() noexcept {
    std::vector<std::shared_ptr<running>> all;
    {
        std::lock_guard lock(state_->mutex);
        if (state_->stopping) return;
        state_->stopping = true;
        all.assign(state_->tasks.begin(), state_->tasks.end());
    }
    for (auto& entry : all) {
        const auto executor = entry->executor;
        asio::post(executor, [entry = std::move(entry)] { entry->signal.emit(asio::cancellation_type::all); });
    }
}

bool scope::stopping() const noexcept {
    std::lock_guard lock(state_->mutex);
    return state_->stopping;
}

task<void> scope::join() {
    const auto kept = state_;
    while (true) {
        auto w = waiter::make();
        {
            std::lock_guard lock(kept->mutex);
            if (kept->tasks.empty()) co_return;
            kept->joiners.push_back(w);
        }
        co_await w->wait();
    }
}

std::size_t scope::size() const noexcept {
    std::lock_guard lock(state_->mutex);
    return state_->tasks.size();
}

std::vector<std::pair<std::string, std::size_t>> scope::running_tasks() {
    std::vector<std::pair<std::string, std::size_t>> out;
    const std::lock_guard all(state::everyone().mutex);
    for (const auto* s : state::everyone().states) {
        const std::lock_guard lock(s->mutex);
        if (!s->tasks.empty()) out.emplace_back(s->name, s->tasks.size());
    }
    return out;
}

}  // namespace bv
