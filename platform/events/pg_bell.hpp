// The bell over PostgreSQL's NOTIFY: a channel for each source.
//
// Not in the transaction of the event: NOTIFY there takes a lock of the whole server until the commit is on disk, which ends group
// commit. It is a transaction of its own that waits for no disk, at most one in `quiet`; it may come before its event's commit, and who
// hears it looks for a while (tailer_options::alert).
//
// Whether notifications arrive is not taken for granted: a pooler that shares connections swallows them, a network may drop them. The
// bell rings for itself too, on a channel of its own, and hears nobody while it does not hear itself.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/any_io_executor.hpp>

#include "platform/core/clock.hpp"
#include "platform/events/bell.hpp"
#include "platform/runtime/signal.hpp"
#include "platform/storage/postgres/database.hpp"

namespace bv::events {

struct pg_bell_options {
    milliseconds quiet{50};          // between two rings; shorter than who hears one looks often for
    milliseconds check_every{5'000}; // rings for itself
};

class pg_bell final : public bell {
public:
    // rings: the sources that are appended to here. follows: those that are consumed here. Database, clock and rng outlive it.
    pg_bell(pg::database&, const std::vector<std::string>& rings, const std::vector<std::string>& follows, asio::any_io_executor, clock&, rng&, pg_bell_options = {});

    void ring() noexcept override;
    [[nodiscard]] bool hears() const noexcept override { return clock_.steady_now() < heard_until_.load(); }
    task<void> tell() override;
    task<void> hear(std::function<void()> rung) override;

private:
    void heard(std::string_view channel, std::string_view by, const std::function<void()>& rung);
    task<bool> notify(bool others, bool itself);

    pg::database& database_;
    clock& clock_;
    const pg_bell_options options_;
    const std::string name_, own_channel_;
    const std::vector<std::string> rung_, followed_;
    const std::shared_ptr<signal> work_;
    std::atomic<bool> wanted_{false};
    std::atomic<steady_point> check_at_{steady_point{}}, heard_until_{steady_point{}};
};

}  // namespace bv::events
