#include "platform/exporters/delivery.hpp"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "platform/net/http/compress.hpp"
#include "platform/telemetry/log.hpp"

namespace bv::exporters {

namespace {

constexpr std::string_view reasons[] = {"queue_full", "refused", "gave_up", "stopped"};

// Seconds only: a date would need the peer's clock to agree with ours, and the back-off serves as well.
std::optional<milliseconds> retry_after(std::string_view value) {
    std::uint32_t whole = 0;
    const auto [end, wrong] = std::from_chars(value.data(), value.data() + value.size(), whole);
    if (wrong != std::errc{} || end != value.data() + value.size()) return std::nullopt;
    return milliseconds(seconds(whole));
}

// The answers that OTLP/HTTP ("Failures") and the bulk API tell a sender to repeat after.
bool is_worth_repeating(int status) noexcept { return status == 429 || status == 502 || status == 503 || status == 504; }

http::client_options of_peer(const delivery_options& o) {
    auto out = o.to.peer;
    out.timeout = o.timeout;
    return out;
}

task<void> stop_after(scope& tasks, clock& time, milliseconds patience) {
    co_await time.sleep_for(patience);
    tasks.stop();
}

}  // namespace

delivery::delivery(delivery_options o, clock& c, rng& r, packer pack, reader read)
    : options_(std::move(o)), clock_(c), rng_(r), pack_(std::move(pack)), read_(std::move(read)), client_(of_peer(options_)),
      tasks_("export." + options_.signal), grace_("export." + options_.signal + ".stop"),
      sent_(telemetry::count("telemetry_export_sent_total", "Spans or log lines that the peer took.", {{"signal", options_.signal}})),
      retries_(telemetry::count("telemetry_export_retries_total", "Attempts after the first to hand over a parcel.", {{"signal", options_.signal}})) {
    for (std::size_t i = 0; i < std::size(reasons); ++i)
        dropped_[i] = &telemetry::count("telemetry_export_dropped_total", "Spans or log lines that were lost, and why.",
                                        {{"signal", options_.signal}, {"reason", reasons[i]}});
}

void delivery::start(asio::any_io_executor executor) {
    executor_ = std::move(executor);
    timer_ = clock_.make_timer(executor_);
    tasks_.spawn(executor_, run());
}

task<void> delivery::stop(milliseconds patience) {
    if (!timer_) co_return;
    closing_ = true;
    stop_by_ = clock_.steady_now() + patience;
    timer_->cancel();
    grace_.spawn(executor_, stop_after(tasks_, clock_, patience));
    co_await tasks_.join();
    grace_.stop();
    co_await grace_.join();
    for (auto left = pack_(); left.items > 0; left = pack_()) drop(left.items, reason::stopped);
    client_.close();
}

void delivery::drop(std::size_t items, reason why) noexcept { dropped_[static_cast<std::size_t>(why)]->add(items); }

task<void> delivery::run() {
    while (!tasks_.stopping()) {
        const bool last_round = closing_;
        for (auto p = pack_(); p.items > 0 && !tasks_.stopping(); p = pack_()) {
            const auto items = p.items;
            try {
                co_await deliver(std::move(p));
            } catch (...) {
                drop(items, reason::stopped);
                throw;
            }
        }
        if (last_round) co_return;
        if (!closing_) co_await timer_->wait_until(clock_.steady_now() + options_.linger);
    }
}

steady_point delivery::latest(steady_point begun) const noexcept { return std::min(begun + options_.give_up, stop_by_); }

task<void> delivery::deliver(parcel p) {
    if (options_.gzip) p.body = http::gzip(p.body);
    const auto begun = clock_.steady_now();
    for (int n = 1;; ++n) {
        const auto taken = co_await attempt(p);
        if (taken) {
            const auto refused = std::min(*taken, p.items);
            sent_.add(p.items - refused);
            if (refused > 0) drop(refused, reason::refused);
            tell_recovered();
            co_return;
        }
        tell(taken.error());
        if (!is_retriable(taken.error().code)) co_return drop(p.items, reason::refused);
        const std::chrono::nanoseconds asked = taken.error().retry_after.value_or(milliseconds(0));
        const auto next = clock_.steady_now() + std::max(asked, resilience::backoff(options_.backoff, n, rng_));
        if (next >= latest(begun)) co_return drop(p.items, closing_ ? reason::stopped : reason::gave_up);
        co_await timer_->wait_until(next);
        if (tasks_.stopping()) co_return drop(p.items, reason::stopped);
        retries_.add();
    }
}

task<result<std::size_t>> delivery::attempt(const parcel& p) {
    http::client_request request{.verb = http::verb::post, .target = options_.to.target, .headers = options_.headers, .body = p.body,
                                 .content_type = options_.content_type};
    if (options_.gzip) request.headers.add("Content-Encoding", "gzip");
    if (!options_.authorization.empty()) request.headers.add("Authorization", options_.authorization);
    try {
        const auto answer = co_await client_.send(std::move(request));
        if (answer.status >= 200 && answer.status < 300) co_return read_(answer);
        error why{is_worth_repeating(answer.status) ? code::unavailable : code::failed_precondition, "EXPORT_REFUSED",
                  fmt::format("answered {}: {}", answer.status, std::string_view(answer.body).substr(0, 200))};
        why.retry_after = retry_after(answer.headers.get("Retry-After"));
        co_return std::unexpected(std::move(why));
    } catch (const failure& f) {
        if (tasks_.stopping()) throw;
        auto why = f.error();
        if (why.code != code::invalid_argument) why.code = code::unavailable;  // a lost answer too: the same span twice does no harm
        co_return std::unexpected(std::move(why));
    }
}

void delivery::tell(const error& why) {
    if (std::exchange(failing_, true)) return;
    telemetry::warn("telemetry.export_failing", {{"signal", options_.signal}, {"host", options_.to.peer.host}, {"port", options_.to.peer.port}, {"error", why.message}});
}

void delivery::tell_recovered() {
    if (!std::exchange(failing_, false)) return;
    std::uint64_t lost = 0;
    for (const auto* c : dropped_) lost += c->value();
    telemetry::info("telemetry.export_recovered", {{"signal", options_.signal}, {"dropped_since_start", lost}});
}

}  // namespace bv::exporters
