#include "app/replay/replay.hpp"

#include <atomic>
#include <optional>
#include <ostream>

#include <fmt/format.h>

#include "app/replay/driver.hpp"
#include "app/replay/outcomes.hpp"
#include "app/replay/progress_line.hpp"
#include "app/replay/report.hpp"
#include "platform/core/error.hpp"

namespace bv::replay {

namespace {

// One replay. The calling thread reads the file; everything else runs on the runtime's one core.
class session {
public:
    session(const options& o, std::ostream& out, std::ostream& err)
        : options_(o), out_(out), key_(file_key(o.file)), rejected_(o.report), progress_(o.progress_folder, key_), line_(err, o.terminal, system_clock()),
          api_({o.where, o.importer_key, o.patience}, system_clock(), system_rng()) {
        // Samples are tried once: one that fails is left out.
        if (!o.operator_key.empty()) operators_.emplace(api_options{o.where, o.operator_key, milliseconds(0)}, system_clock(), system_rng());
        watched_.emplace(operators_ ? &*operators_ : nullptr, system_clock());
        runtime_.start();
    }
    ~session() {
        driver_.reset();
        background_.stop();
        runtime_.block_on(background_.join());
        runtime_.stop();
        runtime_.join();
    }

    bool run() {
        const auto begun = system_clock().steady_now();
        result_.file = options_.file;
        first_pass();
        runtime_.block_on(check_progress_file());
        line_.say(fmt::format("Importing {} products and {} customers", grouped(static_cast<std::int64_t>(result_.found.products.size())),
                              grouped(static_cast<std::int64_t>(result_.found.customers.size()))));
        result_.brought = runtime_.block_on(import_file(api_, result_.found, key_, options_.stock_factor));
        runtime_.block_on(watched_->begin());
        second_pass();
        line_.say("Waiting until every order is final");
        finish();
        result_.whole = system_clock().steady_now() - begun;
        out_ << render(result_, driver_->counts(), rejected_, *watched_) << std::flush;
        return result_.ended.settled && result_.ended.unfinished == 0 && driver_->counts().refused.empty();
    }

private:
    void first_pass() {
        const auto size = std::max<std::uintmax_t>(1, std::filesystem::file_size(options_.file));
        surveyor s;
        result_.lines = read_invoices(
            options_.file, [&](invoice&& i) { return s.add(i), true; }, [&](const rejected_line& r) { rejected_.add(r); },
            [&](std::uint64_t bytes) { line_.show(fmt::format("Reading the file: {} %", bytes * 100 / size)); });
        result_.found = s.finish();
    }

    // The file says what the platform knew. It may know less by now: it was set up anew, or its data put back from a copy.
    task<void> check_progress_file() {
        const auto* newest = progress_.newest();
        if (!newest) co_return;
        const auto answer = co_await api_.call(http::verb::get, "/v1/orders/" + newest->id.str());
        if (answer.ok()) {
            line_.say(fmt::format("An earlier run placed {} orders of this file; going on from there", grouped(static_cast<std::int64_t>(progress_.size()))));
            co_return;
        }
        progress_.forget();
    }

    void second_pass() {
        driver_options o;
        o.file_key = key_;
        o.concurrency = options_.concurrency;
        o.rate = options_.rate;
        o.decline_rate = options_.decline_rate;
        o.returns_in_hand = std::max(16, options_.concurrency * 4);
        driver_.emplace(runtime_, system_clock(), api_, result_.brought, progress_, o, system_clock().now());
        placing_began_ = system_clock().steady_now();
        background_.spawn(runtime_.context(0).get_executor(), watched_->watch());
        background_.spawn(runtime_.context(0).get_executor(), show_progress());
        const auto size = std::max<std::uintmax_t>(1, std::filesystem::file_size(options_.file));
        std::uint64_t taken = 0;
        read_invoices(
            options_.file,
            [&](invoice&& i) {
                if (options_.limit > 0) {
                    if (taken == options_.limit) return false;
                    percent_ = static_cast<int>(++taken * 100 / options_.limit);
                    result_.taken = taken;
                }
                return driver_->offer(std::move(i));
            },
            {}, [&](std::uint64_t bytes) {
                if (options_.limit == 0) percent_ = static_cast<int>(bytes * 100 / size);
            });
        driver_->finish();
        result_.placing = system_clock().steady_now() - placing_began_;
        background_.stop();
        runtime_.block_on(background_.join());
    }

    task<void> show_progress() {
        for (;;) {
            co_await system_clock().sleep_for(line_.interval());
            progress_.flush();
            line_.show(progress_text());
        }
    }

    [[nodiscard]] std::string progress_text() const {
        const auto now = system_clock().steady_now();
        const auto& t = driver_->counts();
        const auto elapsed = std::chrono::duration<double>(now - placing_began_).count();
        auto text = fmt::format("{:3} %  {} orders", percent_.load(), grouped(static_cast<std::int64_t>(t.placed)));
        if (t.placed_before > 0) text += fmt::format(" (+ {} before)", grouped(static_cast<std::int64_t>(t.placed_before)));
        text += fmt::format("  {:.0f}/s  {} in flight  {} returns", static_cast<double>(t.placed) / std::max(elapsed, 0.001), driver_->in_flight(), grouped(static_cast<std::int64_t>(t.return_calls)));
        if (const auto since = api_.away_since())
            text += fmt::format("  the platform does not answer ({} s); trying again for up to {} s", std::chrono::duration_cast<seconds>(now - *since).count(),
                                std::chrono::duration_cast<seconds>(options_.patience).count());
        return text;
    }

    void finish() {
        for (const auto& n : driver_->counts().notes) rejected_.add(n);
        result_.ended = runtime_.block_on(gather_outcomes(api_, *watched_, system_clock(), driver_->orders(), result_.found.first, result_.found.last, options_.settle_patience));
        runtime_.block_on(watched_->end());
        result_.traffic = api_.counts();
    }

    const options& options_;
    std::ostream& out_;
    std::string key_;
    rejected_lines rejected_;
    progress_file progress_;
    progress_line line_;
    runtime runtime_{1};
    platform_api api_;
    std::optional<platform_api> operators_;
    std::optional<observer> watched_;
    scope background_{"replay progress"};
    run_result result_;
    std::optional<driver> driver_;
    steady_point placing_began_{};
    std::atomic<int> percent_{0};
};

}  // namespace

bool run(const options& o, std::ostream& out, std::ostream& err) { return session(o, out, err).run(); }

}  // namespace bv::replay
