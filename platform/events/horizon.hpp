// The commit-safe horizon of one outbox: up to which position every row is either visible or will never be.
//
// Positions are drawn from a sequence, so a transaction may commit a low one after a higher one was read. Each probe
// (platform.outbox_heads) gives the last position drawn and an upper bound of the transaction ids behind it; it is
// safe once all transactions below that bound have ended. Position order, and not order of transaction ids, is
// kept because a writer draws its position after it has seen the previous event of its key committed.
//
// Pure; not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>

namespace bv::events {

class horizon {
public:
    // One probe: the sequence's last value, then the oldest running transaction, then the next transaction id.
    // epoch changes when positions may have been taken back (recovery after a crash). Returns the safe position.
    std::int64_t observe(std::int64_t head, std::int64_t snapshot_xmin, std::int64_t next_xid, const std::string& epoch);

    [[nodiscard]] std::int64_t safe() const noexcept { return safe_; }
    // How often the epoch changed: what was read between the last row and safe() may be different now.
    [[nodiscard]] std::uint64_t resets() const noexcept { return resets_; }
    // Positions were drawn by transactions that have not ended.
    [[nodiscard]] bool waiting() const noexcept { return !marks_.empty(); }

private:
    struct mark {
        std::int64_t position;
        std::int64_t until;  // safe as soon as no transaction before this one runs
    };
    static constexpr std::size_t max_marks = 64;  // more are merged: a later one covers those before it

    std::deque<mark> marks_;  // both members grow
    std::int64_t safe_ = 0;
    std::uint64_t resets_ = 0;
    std::string epoch_;
};

}  // namespace bv::events
