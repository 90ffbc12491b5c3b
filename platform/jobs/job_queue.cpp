#include "platform/jobs/job_queue.hpp"

#include <algorithm>

#include "platform/core/assert.hpp"

namespace bv::jobs {

milliseconds delay_after(const policy& p, int attempt) {
    BV_ASSERT(!p.delays.empty() && attempt > 0);
    return p.delays[std::min(static_cast<std::size_t>(attempt), p.delays.size()) - 1];
}

}  // namespace bv::jobs
