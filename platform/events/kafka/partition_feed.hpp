// What one subscription gets from the partitions of its source that this instance of its group holds at the moment.
//
// The group's consumer puts records in as they arrive; the subscription takes them, in that order, and its transaction moves
// the positions of all partitions that its batch came from, each by compare-and-set. So whatever becomes of a partition
// meanwhile (it is given to another instance, which may be at work on the same records already), one of the two commits an
// effect, and the other one's transaction fails and loads the positions again.
//
// A position is one of the producer's outbox. Within a partition they only grow, so a record at or below the one that was reached
// was sent twice (by a relay that died before it noted what it had sent) and is passed over. Thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "platform/events/event_supply.hpp"

namespace bv::events::kafka {

struct feed_limits {
    std::size_t most_waiting = 4'096;    // records of a partition; more: it is paused
    std::size_t resume_below = 1'024;
};

// As a consumer's store keeps it.
struct partition_position {
    std::int32_t partition = 0;
    std::int64_t position = 0;
    std::int64_t next_offset = 0;
};

// Of one partition, from where the caller believes it is to where its batch brings it.
struct partition_step {
    std::int32_t partition;
    std::int64_t position, next_offset;
    std::int64_t to_position, to_offset;
};

// What the group's consumer has to do about a record.
enum class arrival : unsigned char {
    taken,
    full,         // taken, and the partition is to be paused
    not_ours,     // the partition was taken away
    other_topic,  // the topic is not the one that the position was noted for: read it from its beginning
};

class partition_feed final : public event_supply {
public:
    explicit partition_feed(std::string source, feed_limits limits = {}) : source_(std::move(source)), limits_(limits) {}
    [[nodiscard]] const std::string& source() const noexcept { return source_; }

    // --- for the group's consumer ---
    // The group gave us the partition; the position is the one that its reading began at.
    void assign(const partition_position&);
    void revoke(std::int32_t partition);
    // position 0: a record that is none of ours, whose event has a position of its own. No event: a marker.
    // Seen by the subscription from announce() on, so that what came together is applied together.
    arrival arrive(std::int32_t partition, std::int64_t offset, std::int64_t position, event_ptr);
    void announce();
    // Partitions that were paused and have room again.
    [[nodiscard]] std::vector<std::int32_t> resumable();
    // Partitions whose stored position went back (a group that was rewound, a database that was restored), and the offsets that they
    // are to be read from again: before anything else arrives.
    [[nodiscard]] std::vector<std::pair<std::int32_t, std::int64_t>> to_read_again();
    // Notified when there are some of either.
    void attach_consumer(std::shared_ptr<signal> s) { consumer_ = std::move(s); }

    // --- for the subscription's store, within a transaction ---
    // The stored positions; the mark up to which everything is applied, or not ours. May be called again.
    std::int64_t load(const std::vector<partition_position>&);
    // What the positions of the partitions behind these marks become. None when one of them was taken away.
    [[nodiscard]] std::optional<std::vector<partition_step>> steps(std::int64_t upto) const;

    // Where the record of an event that is in hand stands: partition and offset. None when its partition was taken away.
    [[nodiscard]] std::optional<std::pair<std::int32_t, std::int64_t>> record_of(std::int64_t position) const;

    // --- for the subscription ---
    void attach(std::shared_ptr<signal> s) override { reader_ = std::move(s); }
    task<supply_slice> take(std::int64_t after, std::vector<std::string> types, std::size_t max) override;
    [[nodiscard]] std::int64_t head() const override;
    void applied(std::int64_t upto) override;

private:
    struct held {
        partition_position at;           // committed, as far as we know
        std::int64_t arrived = 0;        // the newest position that arrived
        std::size_t waiting = 0;         // records in entries_
        bool loaded = false, revoked = false, paused = false;
        bool begun = false;              // its first record arrived
        bool going_back = false;         // until it is read again from further back, what arrives is passed over
    };
    struct entry {
        std::shared_ptr<held> of;
        event_ptr event;  // none: passed over
        std::int64_t position, offset, mark;
    };
    void drop_front();
    void note_room(held&);
    void go_back(held&, const partition_position&);

    const std::string source_;
    const feed_limits limits_;
    std::shared_ptr<signal> reader_, consumer_;

    mutable std::mutex mutex_;
    std::map<std::int32_t, std::shared_ptr<held>> held_;
    std::deque<entry> entries_;
    std::int64_t last_mark_ = 0, announced_ = 0;
    std::uint64_t generation_ = 1;
    std::vector<std::int32_t> roomy_;
    std::vector<std::pair<std::int32_t, std::int64_t>> back_;
};

}  // namespace bv::events::kafka
