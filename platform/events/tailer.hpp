// Keeps the tails of all sources up to date: one coroutine, one probe for all of them.
//
// It looks every poll_min while something happens and slows down to poll_max when nothing does. An append in this
// process wakes it (appended); one in another process is seen at the next look, or wakes it by the bell.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/any_io_executor.hpp>

#include "platform/core/clock.hpp"
#include "platform/core/task.hpp"
#include "platform/events/bell.hpp"
#include "platform/events/horizon.hpp"
#include "platform/events/horizon_watch.hpp"
#include "platform/events/outbox_reader.hpp"
#include "platform/events/source_tail.hpp"
#include "platform/runtime/scope.hpp"
#include "platform/runtime/signal.hpp"

namespace bv::events {

inline constexpr std::string_view polls_metric = "bv_events_tail_polls_total";

struct tailer_options {
    milliseconds poll_min{3};
    milliseconds poll_max{250};        // an idle process asks the database 1000 / this times a second
    milliseconds poll_waiting{20};     // while a transaction holds the horizon back, or one that rang is about to commit
    milliseconds poll_heard{500};      // instead of poll_max while the bell is heard: for a process that died before it rang
    milliseconds alert{75};            // after a ring; longer than others are quiet after one
    std::int32_t fetch_rows = 512;
    horizon_watch_options watch{};
    std::shared_ptr<events::bell> bell{};  // none: what other processes append is only seen by looking
};

class tailer {
public:
    // wanted: whether anybody reads the tails. While nobody does, the database is not asked; wake() when that changes.
    tailer(outbox_reader&, std::vector<std::shared_ptr<source_tail>> tails, asio::any_io_executor, clock&, tailer_options,
           std::function<bool()> wanted = {});

    // Runs until halt(). A broken database is waited for.
    task<void> run();
    // Thread-safe, all. appended: something was or is about to be committed, which others are told. wake: look soon, whatever for.
    void appended() noexcept;
    void wake() noexcept;
    void halt() noexcept;
    // Runs the bell, if there is one, until the scope is stopped.
    void spawn_bell(scope&, const asio::any_io_executor&);
    // As horizon_watch. Thread-safe.
    [[nodiscard]] std::optional<held_delivery> held() const { return watch_.held(); }

private:
    struct source {
        std::shared_ptr<source_tail> tail;
        events::horizon horizon{};
        std::int64_t read_to = 0;  // every position up to here was read, or will never hold a row
        bool at_gap = false;       // the next position was drawn, and held no row when it was last looked at
        std::uint64_t resets = 0;  // of the horizon when they were
    };
    task<bool> poll();
    task<void> rest();
    task<void> name_holders(std::int64_t xmin);
    task<bool> refresh(source&, std::int64_t head, std::int64_t xmin, std::int64_t next_xid, std::string epoch);
    task<bool> read(source&, std::int64_t safe, std::int64_t head);
    void rung() noexcept;
    [[nodiscard]] milliseconds slower(milliseconds) const noexcept;
    [[nodiscard]] milliseconds longest_rest() const noexcept;

    outbox_reader& reader_;
    clock& clock_;
    std::vector<std::string> names_;
    std::vector<source> sources_;
    const tailer_options options_;
    const std::function<bool()> wanted_;
    horizon_watch watch_;
    std::shared_ptr<signal> idle_;
    std::atomic<bool> hint_{false}, halted_{false};
    std::atomic<steady_point> alert_until_{steady_point{}};
};

}  // namespace bv::events
