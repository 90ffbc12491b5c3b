#include "app/load/load.hpp"

#include <fstream>

#include <sys/resource.h>

#include "app/load/driver.hpp"
#include "platform/core/error.hpp"
#include "platform/runtime/runtime.hpp"
#include "platform/runtime/scope.hpp"
#include "platform/runtime/signals.hpp"

namespace bv::load {

namespace {

using std::chrono::duration_cast;
using std::chrono::nanoseconds;

constexpr std::chrono::minutes token_age{10};
constexpr milliseconds longest_sleep{500};

struct cpu_times {
    double own = 0, idle = 0, all = 0;
};

double seconds_of(const timeval& t) { return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6; }

cpu_times read_cpu() {
    cpu_times out;
    rusage u{};
    ::getrusage(RUSAGE_SELF, &u);
    out.own = seconds_of(u.ru_utime) + seconds_of(u.ru_stime);
    std::ifstream stat("/proc/stat");
    std::string word;
    stat >> word;
    double value = 0;
    for (int field = 0; field < 8 && stat >> value; ++field) {
        out.all += value;
        if (field == 3 || field == 4) out.idle += value;  // idle, iowait
    }
    return out;
}

// Sleeps wake up to some tens of microseconds late; what is due is sent at once.
task<steady_point> next_arrival(driver& d, std::uint64_t n) {
    const auto due = d.begun + nanoseconds(static_cast<std::int64_t>(static_cast<double>(n) * 1e9 / d.how.rate));
    if (due >= d.end) co_return due;
    if (due > d.time.steady_now()) {
        // In pieces, so that a run that is ended early does not wait for it.
        for (auto now = d.time.steady_now(); now < due && !d.ended_early; now = d.time.steady_now()) co_await d.time.sleep_until(std::min(due, now + longest_sleep));
        if (d.is_counted(due)) d.out.generator.lateness.add(d.time.steady_now() - due);
    } else if (d.is_counted(due) && n >= static_cast<std::uint64_t>(d.how.most_under_way())) {
        ++d.out.generator.waited;
    }
    co_return due;
}

task<void> caller_loop(driver& d) {
    while (!d.over()) {
        const auto n = d.next++;
        auto due = d.time.steady_now();
        if (d.how.rate > 0) due = co_await next_arrival(d, n);
        if (due >= d.end || d.ended_early) break;
        const auto& c = d.pick();
        if (d.how.rate > 0 && d.time.steady_now() > d.end + grace) d.note_not_sent(c.name, due);
        else co_await d.arrive(c, n, due);
    }
}

standing stand(const driver& d, const slot& last, std::uint64_t answered_before, double passed) {
    standing s{.passed = duration_cast<seconds>(d.time.steady_now() - d.begun), .whole = duration_cast<seconds>(d.end - d.begun)};
    s.warming_up = d.time.steady_now() < d.counted_from;
    const auto all = d.out.total();
    s.answered = all.answered;
    s.failed = all.failed();
    s.under_way = d.under_way;
    s.per_second = static_cast<double>(all.answered - answered_before) / passed;
    s.p99_us = last.latency.quantile_us(0.99);
    return s;
}

task<void> watch(driver& d, const progress& show) {
    std::uint64_t before = 0;
    auto looked = d.time.steady_now();
    while (true) {
        co_await d.time.sleep_for(seconds(1));
        if (!show) continue;
        const auto now = d.time.steady_now();
        const auto at = std::chrono::duration<double>(now - d.counted_from).count() / d.out.slot_seconds - 1;
        const auto& last = d.out.slots[std::min(d.out.slots.size() - 1, static_cast<std::size_t>(std::max(0.0, at)))];
        const auto s = stand(d, last, before, std::chrono::duration<double>(now - looked).count());
        before = s.answered;
        looked = now;
        show(s);
    }
}

task<void> keep_logged_in(driver& d) {
    while (true) {
        co_await d.time.sleep_for(token_age);
        try {
            co_await d.shop.log_in_again();
        } catch (const failure&) {
            // The platform is away: its answers to the callers tell that.
        }
    }
}

task<void> end_on_signal(driver& d) {
    (void)co_await wait_for_stop_signal();
    d.ended_early = true;
    d.end = std::min(d.end, d.time.steady_now());
}

task<void> weigh(driver& d, cpu_times& at_first) {
    co_await d.time.sleep_until(d.counted_from);
    at_first = read_cpu();
}

task<void> all(driver& d, runtime& threads, const progress& show) {
    co_await d.shop.open(d.how);
    const auto here = threads.context(0).get_executor();
    cpu_times at_first = read_cpu();
    d.begun = d.time.steady_now();
    d.counted_from = d.begun + d.how.warm_up;
    d.end = d.counted_from + d.how.duration;
    scope beside("load: beside"), callers("load: callers");
    beside.spawn(here, watch(d, show));
    beside.spawn(here, keep_logged_in(d));
    beside.spawn(here, end_on_signal(d));
    beside.spawn(here, weigh(d, at_first));
    for (int i = 0; i < d.how.most_under_way(); ++i) callers.spawn(here, caller_loop(d));
    co_await callers.join();
    beside.stop();
    co_await beside.join();

    const auto now = d.time.steady_now();
    const auto last = read_cpu();
    d.out.seconds = std::max(0.0, std::chrono::duration<double>(std::min(d.end, now) - d.counted_from).count());
    const auto weighed = std::chrono::duration<double>(now - std::min(now, d.counted_from)).count();
    if (weighed > 0) d.out.generator.cpu_share = (last.own - at_first.own) / weighed;
    if (last.all > at_first.all) d.out.generator.machine_idle = (last.idle - at_first.idle) / (last.all - at_first.all);
    d.out.ended_early = d.ended_early;
    d.client.close();
}

}  // namespace

report run(const scenario& how, const target& to, const progress& show) {
    runtime threads(1);
    threads.start();
    driver d(how, to.where, to.importer_key);
    try {
        threads.block_on(all(d, threads, show));
    } catch (...) {
        threads.stop();
        threads.join();  // before what it works on goes
        throw;
    }
    threads.stop();
    threads.join();
    return std::move(d.out);
}

}  // namespace bv::load
