#include "app/load/report.hpp"

#include <algorithm>
#include <array>
#include <numeric>

#include <boost/json.hpp>
#include <fmt/format.h>

namespace bv::load {

namespace {

constexpr double busy_generator = 0.85, busy_machine = 0.05;
constexpr std::uint64_t late_us = 5'000;
constexpr std::array<std::pair<const char*, double>, 4> quantiles{{{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p999", 0.999}}};

boost::json::object to_json(const latencies& l) {
    boost::json::object out{{"mean", l.mean_us()}};
    for (const auto& [name, q] : quantiles) out.emplace(name, l.quantile_us(q));
    out.emplace("max", l.max_us());
    return out;
}

boost::json::object to_json(const row& r, double seconds) {
    boost::json::object errors;
    for (const auto& [what, n] : r.errors) errors.emplace(what, n);
    return {{"answered", r.answered}, {"failed", r.failed()}, {"per_second", seconds > 0 ? static_cast<double>(r.in_time) / seconds : 0},
            {"errors", errors}, {"first_problem", r.first_problem}, {"latency_us", to_json(r.latency)}};
}

void print_row(std::ostream& out, const std::string& name, const row& r, double seconds) {
    out << fmt::format("{:<24} {:>9} {:>7} {:>9.1f}", name, r.answered, r.failed(), seconds > 0 ? static_cast<double>(r.in_time) / seconds : 0);
    for (const auto& [_, q] : quantiles) out << fmt::format(" {:>9}", shown(static_cast<double>(r.latency.quantile_us(q))));
    out << fmt::format(" {:>9}\n", shown(static_cast<double>(r.latency.max_us())));
}

}  // namespace

std::uint64_t row::failed() const noexcept {
    return std::accumulate(errors.begin(), errors.end(), std::uint64_t{0}, [](std::uint64_t sum, const auto& e) { return sum + e.second; });
}

void row::add(const row& other) {
    answered += other.answered;
    in_time += other.in_time;
    for (const auto& [what, n] : other.errors) errors[what] += n;
    latency.add(other.latency);
    if (first_problem.empty()) first_problem = other.first_problem;
}

row report::total() const {
    row out;
    for (const auto& [_, r] : rows)
        if (r.is_request) out.add(r);
    return out;
}

double report::per_second() const { return seconds > 0 ? static_cast<double>(total().in_time) / seconds : 0; }

double report::failed_share() const {
    const auto all = total();
    const auto failed = static_cast<double>(all.failed());
    return failed > 0 ? failed / (failed + static_cast<double>(all.answered)) : 0;
}

std::vector<std::string> report::doubts() const {
    std::vector<std::string> out;
    const auto& g = generator;
    if (ended_early) out.push_back("The run was ended before its time.");
    if (g.cpu_share > busy_generator)
        out.push_back(fmt::format("The generator is the bottleneck: it used {:.0f} % of its one core, so these are its limits and not the platform's.", 100 * g.cpu_share));
    if (g.lateness.quantile_us(0.99) > late_us)
        out.push_back(fmt::format("The generator sent late: 1 % of the requests {} or more after they were due, with a caller free. That is in their latencies.",
                                  shown(static_cast<double>(g.lateness.quantile_us(0.99)))));
    if (g.machine_idle < busy_machine && g.cpu_share <= busy_generator)
        out.push_back("The machine had no idle core: platform, database and this generator share it, so the platform has less of it than it would have alone.");
    if (g.waited > 0)
        out.push_back(fmt::format("{} arrivals waited for one of the {} callers, and their wait is in their latencies: the platform was slower than the rate, or callers are too few.", g.waited, how.most_under_way()));
    if (g.not_sent > 0)
        out.push_back(fmt::format("{} arrivals were not sent: the platform was still more than 10 s behind when the time was over.", g.not_sent));
    for (const auto& [what, n] : total().errors)
        if (what.starts_with("429")) out.push_back(fmt::format("{} answers were rate limits of the accounts or this address: more shoppers, or limits.user_per_minute and limits.anonymous_per_minute.", n));
    return out;
}

std::string shown(double us) {
    if (us < 1'000) return fmt::format("{:.0f} µs", us);
    for (const auto& [unit, scale] : {std::pair{"ms", 1e3}, std::pair{"s", 1e6}}) {
        const auto value = us / scale;
        if (value < 1'000 || unit[0] == 's') return value < 10 ? fmt::format("{:.2f} {}", value, unit) : value < 100 ? fmt::format("{:.1f} {}", value, unit) : fmt::format("{:.0f} {}", value, unit);
    }
    return {};
}

void print(const report& r, std::ostream& out) {
    const auto& how = r.how;
    out << fmt::format("{}: {} for {:.1f} s, measured after {:.1f} s of warm-up\n\n", how.name,
                       how.rate > 0 ? fmt::format("open loop, {:g} arrivals a second, at most {} under way", how.rate, how.most_under_way())
                                    : fmt::format("closed loop, {} callers", how.most_under_way()),
                       r.seconds, std::chrono::duration<double>(how.warm_up).count());
    out << fmt::format("{:<24} {:>9} {:>7} {:>9} {:>9} {:>9} {:>9} {:>9} {:>9}\n", "call", "answered", "failed", "a second", "p50", "p90", "p99", "p99.9", "max");
    for (const auto& [name, row] : r.rows) print_row(out, name, row, r.seconds);
    const auto all = r.total();
    print_row(out, "all requests", all, r.seconds);
    if (!all.errors.empty()) {
        out << "\nfailed:\n";
        for (const auto& [name, row] : r.rows)
            for (const auto& [what, n] : row.errors) out << fmt::format("  {:<22} {:>9}  {}\n", name, n, what);
        if (!all.first_problem.empty()) out << "  the first said: " << all.first_problem.substr(0, 300) << '\n';
    }
    out << fmt::format("\nlatencies count from the time a request was due, and are of the calls answered well\ngenerator: {:.0f} % of one core; machine: {:.0f} % idle\n",
                       100 * r.generator.cpu_share, 100 * r.generator.machine_idle);
    for (const auto& d : r.doubts()) out << "! " << d << '\n';
}

boost::json::object to_json(const report& r) {
    auto out = to_json(r.total(), r.seconds);
    boost::json::object calls;
    for (const auto& [name, row] : r.rows) calls.emplace(name, to_json(row, r.seconds));
    boost::json::array slots, doubts;
    for (const auto& s : r.slots)
        slots.push_back({{"answered", s.answered}, {"failed", s.failed}, {"p50_us", s.latency.quantile_us(0.5)}, {"p99_us", s.latency.quantile_us(0.99)}, {"max_us", s.latency.max_us()}});
    for (const auto& d : r.doubts()) doubts.push_back(boost::json::string_view(d));
    out.emplace("scenario", r.how.name);
    out.emplace("rate", r.how.rate);
    out.emplace("callers", r.how.most_under_way());
    out.emplace("seconds", r.seconds);
    out.emplace("calls", std::move(calls));
    out.emplace("slot_seconds", r.slot_seconds);
    out.emplace("slots", std::move(slots));
    out.emplace("generator", boost::json::object{{"cpu_share", r.generator.cpu_share}, {"machine_idle", r.generator.machine_idle}, {"late_us", to_json(r.generator.lateness)},
                                                 {"waited", r.generator.waited}, {"not_sent", r.generator.not_sent}});
    out.emplace("doubts", std::move(doubts));
    return out;
}

}  // namespace bv::load
