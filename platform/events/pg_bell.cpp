#include "platform/events/pg_bell.hpp"

#include <optional>
#include <utility>

#include <boost/asio/this_coro.hpp>

#include "platform/core/error.hpp"
#include "platform/core/uuid.hpp"
#include "platform/telemetry/log.hpp"
#include "platform/telemetry/metrics.hpp"

namespace bv::events {
namespace {

constexpr milliseconds pause_of_trouble{1'000};
constexpr int unheard_checks = 2;  // after so many it hears nobody

constexpr pg::statement ring_channels{"events.ring", R"(
    SELECT set_config('synchronous_commit', 'off', true), pg_notify(channel, $2)
    FROM unnest($1::text[]) AS channel)"};

std::vector<std::string> channels_of(const std::vector<std::string>& sources) {
    std::vector<std::string> out;
    for (const auto& s : sources) out.push_back("bv_outbox_" + s);
    return out;
}

}  // namespace

pg_bell::pg_bell(pg::database& d, const std::vector<std::string>& rings, const std::vector<std::string>& follows, asio::any_io_executor e, clock& c, rng& r, pg_bell_options o)
    : database_(d), clock_(c), options_(o), name_(uuid::v7(c, r).str()), own_channel_("bv_bell_" + name_), rung_(channels_of(rings)), followed_(channels_of(follows)),
      work_(std::make_shared<signal>(std::move(e), c)) {}

void pg_bell::ring() noexcept {
    if (!wanted_.exchange(true)) work_->notify();
}

task<bool> pg_bell::notify(bool others, bool itself) {
    std::vector<std::string> channels;
    if (others) channels = rung_;
    if (itself) channels.push_back(own_channel_);
    std::optional<error> broken;
    try {
        co_await database_.query(ring_channels, pg::params(channels, name_));
    } catch (...) {
        broken = current_error();
    }
    const auto state = co_await asio::this_coro::cancellation_state;
    if (state.cancelled() != asio::cancellation_type::none) throw boost::system::system_error(asio::error::operation_aborted);
    if (broken) telemetry::debug("events.ring_failed", {{"reason", broken->reason}, {"message", broken->message}});
    co_return !broken;
}

task<void> pg_bell::tell() {
    auto& rings = telemetry::count("bv_events_rings_total", "Times that this process told others of events that it appended");
    while (true) {
        const auto now = clock_.steady_now();
        const bool others = wanted_.exchange(false) && !rung_.empty(), itself = now >= check_at_.load();
        if (!others && !itself) {
            co_await work_->wait_for(check_at_.load() - now);
            continue;
        }
        if (itself) check_at_ = now + options_.check_every;
        const bool rang = co_await notify(others, itself);
        if (others && rang) rings.add();
        co_await clock_.sleep_for(rang ? options_.quiet : pause_of_trouble);
    }
}

task<void> pg_bell::hear(std::function<void()> rung) {
    auto channels = followed_;
    channels.push_back(own_channel_);
    co_await database_.listen(std::move(channels), [this, rung = std::move(rung)](std::string_view channel, std::string_view by) { heard(channel, by, rung); });
}

// `by` is empty when listening begins: something may have been missed.
void pg_bell::heard(std::string_view channel, std::string_view by, const std::function<void()>& rung) {
    if (channel != own_channel_) {
        if (by != name_) rung();
    } else if (by.empty()) {
        check_at_ = steady_point{};
        work_->notify();
    } else {
        heard_until_ = clock_.steady_now() + unheard_checks * options_.check_every;
    }
}

}  // namespace bv::events
