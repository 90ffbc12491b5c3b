// The newest events of one source, in memory: read once, shared by all subscriptions of that source.
//
// Holds every committed event with base < position <= head. Both are positions of rows, never bare values of the
// sequence, so that they survive a sequence that falls back after a crash. Who is behind base reads the table itself,
// up to head. Thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "platform/events/outbox_reader.hpp"
#include "platform/runtime/signal.hpp"

namespace bv::events {

struct tail_limits {
    std::size_t events = 8'192;
    std::size_t bytes = 16 * 1024 * 1024;  // of payloads; the newest event is kept whatever its size
};

// What a reader gets for "everything after this position".
struct tail_slice {
    bool behind = false;          // older than what is held: read the table, up to head
    std::vector<event_ptr> events;  // matching ones
    std::int64_t scanned = 0;     // all up to here were looked at
    std::int64_t head = 0;
    std::uint64_t generation = 0;   // of the tail; another one than before: read your position again
};

[[nodiscard]] bool matches(const std::vector<std::string>& types, const event&) noexcept;  // no types: all

class source_tail {
public:
    source_tail(std::string source, tail_limits limits) : source_(std::move(source)), limits_(limits) {}

    [[nodiscard]] const std::string& source() const noexcept { return source_; }

    // Before the first append: the tail holds what comes after this row.
    void begin(std::int64_t base);
    // Forgets all, because the server may have: until the next begin() it gives nothing.
    void restart();
    // The rows that follow head, all of them, in position order. Wakes the subscriptions.
    void append(std::vector<event_ptr>);
    // Called when events were appended; before start only.
    void attach(std::shared_ptr<signal>);

    // Up to max events that match types; looks at no more than a few thousand.
    [[nodiscard]] tail_slice take(std::int64_t after, const std::vector<std::string>& types, std::size_t max) const;

    [[nodiscard]] bool begun() const;
    [[nodiscard]] std::int64_t head() const;

private:
    const std::string source_;
    const tail_limits limits_;
    std::vector<std::shared_ptr<signal>> readers_;

    mutable std::mutex mutex_;
    std::deque<event_ptr> ring_;
    std::size_t bytes_ = 0;
    std::int64_t base_ = 0, head_ = 0;
    std::uint64_t generation_ = 0;
    bool begun_ = false;
};

}  // namespace bv::events
