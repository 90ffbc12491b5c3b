// Group commit among the callers of one core: the first caller flushes at once; who comes meanwhile is flushed together by
// the first of them. Nobody waits for a timer, and no task runs in the background: a flush belongs to the caller that leads
// it, so there is nothing to stop. Private to the platform's adapters.
#pragma once

#include <algorithm>
#include <cstddef>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "platform/core/assert.hpp"
#include "platform/core/task.hpp"
#include "platform/runtime/waiter.hpp"

namespace bv::pg {

// Used on one thread. Request is copied: a flush that failed is done again one by one.
template <class Request, class Answer>
class combiner {
public:
    // One answer a request, in order. When it throws for many, each of their callers flushes its own request again.
    using flush_function = std::function<task<std::vector<Answer>>(std::vector<Request>)>;

    combiner(std::size_t max_batch, flush_function f) : max_batch_(max_batch), flush_(std::move(f)) {}

    static task<Answer> submit(std::shared_ptr<combiner> self, Request request) {
        auto mine = std::make_shared<entry>(std::move(request));
        self->queue_.push_back(mine);
        if (std::exchange(self->led_, true)) {
            try {
                co_await mine->resume->wait();
            } catch (...) {
                std::erase(self->queue_, mine);
                if (mine->turn == turn::lead) const leadership passed_on(*self, mine);  // chosen and cancelled at once
                throw;
            }
        } else {
            mine->turn = turn::lead;
        }
        if (mine->turn == turn::lead) {
            // Held before the next co_await: a caller that is cancelled by now does not get beyond it.
            const leadership held(*self, mine);
            co_await lead(self, mine);
        }
        if (!mine->answer) {
            auto alone = co_await self->flush_(std::vector<Request>(1, mine->request));
            mine->answer = std::move(alone.front());
        }
        co_return std::move(*mine->answer);
    }

private:
    enum class turn : unsigned char { wait, lead, answered, alone };
    struct entry {
        explicit entry(Request r) : request(std::move(r)) {}
        Request request;
        std::optional<Answer> answer;
        combiner::turn turn = combiner::turn::wait;
        std::shared_ptr<waiter> resume = waiter::make();
    };
    using entries = std::vector<std::shared_ptr<entry>>;

    // Passes the lead on when it ends, however it ends.
    struct leadership {
        combiner& of;
        std::shared_ptr<entry> own;
        leadership(combiner& c, std::shared_ptr<entry> e) : of(c), own(std::move(e)) {}
        leadership(const leadership&) = delete;
        leadership& operator=(const leadership&) = delete;
        ~leadership() {
            std::erase(of.queue_, own);
            while (!of.queue_.empty()) {
                const auto next = of.queue_.front();
                next->turn = turn::lead;
                if (next->resume->wake()) return;
                of.queue_.pop_front();  // cancelled
            }
            of.led_ = false;
        }
    };

    static task<void> lead(std::shared_ptr<combiner> self, std::shared_ptr<entry> mine) {
        const auto n = static_cast<std::ptrdiff_t>(std::min(self->queue_.size(), self->max_batch_));
        const entries batch(self->queue_.begin(), self->queue_.begin() + n);
        self->queue_.erase(self->queue_.begin(), self->queue_.begin() + n);
        std::vector<Request> requests;
        for (const auto& e : batch) requests.push_back(e->request);
        try {
            auto answers = co_await self->flush_(std::move(requests));
            BV_ASSERT(answers.size() == batch.size());
            for (std::size_t i = 0; i < batch.size(); ++i) batch[i]->answer = std::move(answers[i]);
        } catch (...) {
            release(batch, *mine, turn::alone);
            if (batch.size() == 1) throw;
            co_return;
        }
        release(batch, *mine, turn::answered);
    }

    static void release(const entries& batch, const entry& leader, turn t) {
        for (const auto& e : batch) {
            if (e.get() == &leader) continue;
            e->turn = t;
            e->resume->wake();
        }
    }

    const std::size_t max_batch_;
    const flush_function flush_;
    std::deque<std::shared_ptr<entry>> queue_;
    bool led_ = false;
};

}  // namespace bv::pg
