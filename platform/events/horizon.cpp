#include "platform/events/horizon.hpp"

#include "platform/core/assert.hpp"

namespace bv::events {

std::int64_t horizon::observe(std::int64_t head, std::int64_t snapshot_xmin, std::int64_t next_xid, const std::string& epoch) {
    BV_ASSERT(snapshot_xmin <= next_xid);
    // After a crash the sequence may hand out again what no committed row holds: nothing found before counts.
    if (epoch != epoch_ || head < safe_) {
        epoch_ = epoch;
        ++resets_;
        marks_.clear();
        safe_ = 0;
    }
    while (!marks_.empty() && marks_.front().until <= snapshot_xmin) {
        safe_ = marks_.front().position;
        marks_.pop_front();
    }
    if (head > (marks_.empty() ? safe_ : marks_.back().position)) {
        if (marks_.size() == max_marks) marks_.pop_back();
        marks_.push_back({head, next_xid});
    }
    if (!marks_.empty() && next_xid == snapshot_xmin) {  // nothing runs at all
        safe_ = marks_.back().position;
        marks_.clear();
    }
    return safe_;
}

}  // namespace bv::events
