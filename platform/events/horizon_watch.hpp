// Watches whether delivery moves: a transaction that drew a position and stays open holds back what comes after it, and, behind
// a position that a rollback left empty, so does any other. The watch tells for how long, and, once asked to, by whom.
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "platform/core/clock.hpp"
#include "platform/telemetry/metrics.hpp"

namespace bv::events {

// A transaction that has not ended. What the server does not show us is empty.
struct open_transaction {
    std::int32_t pid = 0;          // 0: prepared, so of no process
    std::string prepared;          // its global identifier
    std::string role, application, database;
    std::string state;             // "idle in transaction", "active", "prepared", …
    milliseconds open{0};

    bool operator==(const open_transaction&) const = default;
};

struct held_delivery {
    milliseconds held{0};              // no position has moved for so long although newer events are there
    std::vector<std::string> sources;  // whose events wait
    std::vector<open_transaction> by;  // empty: not found out (yet)
};

struct horizon_watch_options {
    milliseconds patience{5'000};        // held longer: who holds it is looked up, and again each time this passes
    milliseconds warn_again{30'000};
};

class horizon_watch {
public:
    horizon_watch(const std::vector<std::string>& sources, clock&, horizon_watch_options);

    // After each look: whether a source, by its index, waits behind a position that was drawn, and up to where it was read.
    void observe(std::size_t source, bool waits, std::int64_t read_to);
    // After all of them: whether to look up who holds delivery back, and tell().
    [[nodiscard]] bool wants_names();
    // Warns in the log when that is due.
    void tell(std::vector<open_transaction> by);
    // The store is away: nothing is known.
    void forget();

    // While delivery is held for longer than the patience. Thread-safe.
    [[nodiscard]] std::optional<held_delivery> held() const;

private:
    struct source {
        std::string name;
        telemetry::gauge& stalled;
        std::int64_t read_to = 0;
        std::optional<steady_point> since{};  // since when it waits there
    };
    [[nodiscard]] std::optional<held_delivery> held_at(steady_point now) const;

    clock& clock_;
    const horizon_watch_options options_;
    mutable std::mutex mutex_;
    std::vector<source> sources_;
    std::vector<open_transaction> by_;
    std::optional<steady_point> asked_, warned_;
};

}  // namespace bv::events
