// bv sim: the services under faults drawn from seeds, in virtual time.
#include <atomic>
#include <iostream>
#include <mutex>
#include <thread>

#include <fmt/format.h>

#include "app/cli/command.hpp"
#include "platform/telemetry/log.hpp"
#include "sim/chance.hpp"
#include "sim/run.hpp"

namespace bv::cli {

namespace {

struct flags {
    std::uint64_t first = 1, seeds = 200, seed = 0;
    unsigned jobs = 1;
    bool trace = false;
};

struct sums {
    std::mutex mutex;
    std::uint64_t runs = 0, broken = 0;
    double virtual_seconds = 0;
    std::int64_t orders = 0;
    std::array<std::uint64_t, sim::fault_names.size()> faults{};
    std::map<std::string, std::uint64_t> transitions;

    void take(const sim::outcome& o) {
        const std::lock_guard lock(mutex);
        ++runs;
        virtual_seconds += o.virtual_seconds;
        orders += o.orders;
        for (std::size_t i = 0; i < faults.size(); ++i) faults[i] += o.faults[i];
        for (const auto& [name, n] : o.transitions) transitions[name] += n;
        if (o.holds()) return;
        ++broken;
        std::cout << fmt::format("seed {}: {} violations; bv sim --seed {} --trace shows the run\n", o.seed, o.violations.size(), o.seed);
        for (const auto& v : o.violations) std::cout << fmt::format("  {}  {}: {}\n", v.invariant, v.about, v.what);
    }
};

void show(const sums& s, std::chrono::duration<double> spent) {
    std::cout << fmt::format("{} seeds in {:.1f} s ({:.1f} a second): {} orders, {:.1f} virtual hours, {:.0f} x real time\n", s.runs, spent.count(),
                             static_cast<double>(s.runs) / spent.count(), s.orders, s.virtual_seconds / 3'600, s.virtual_seconds / spent.count());
    std::cout << "faults:";
    for (std::size_t i = 0; i < s.faults.size(); ++i) std::cout << fmt::format("{} {} {}", i == 0 ? "" : ",", s.faults[i], sim::fault_names[i]);
    std::cout << fmt::format("\ntransitions of orders: {} kinds\n", s.transitions.size());
    for (const auto& [name, n] : s.transitions) std::cout << fmt::format("  {:8}  {}\n", n, name);
    std::cout << (s.broken == 0 ? "every invariant holds\n" : fmt::format("{} seeds violate an invariant\n", s.broken)) << std::flush;
}

int run(const flags& f) {
    telemetry::set_log_descriptor(-1);
    sums all;
    const auto begun = system_clock().steady_now();
    if (f.seed != 0) {
        std::function<void(const std::string&)> trace;
        if (f.trace) trace = [](const std::string& line) { std::cout << line << '\n'; };
        const auto o = sim::run(f.seed, std::move(trace));
        std::cout << fmt::format("seed {}: trace {:016x}, {} handlers\n", o.seed, o.trace_hash, o.handlers);
        all.take(o);
    } else {
        std::atomic<std::uint64_t> next{f.first};
        std::vector<std::thread> workers;
        for (unsigned i = 0; i < f.jobs; ++i)
            workers.emplace_back([&] {
                for (auto seed = next++; seed < f.first + f.seeds; seed = next++) all.take(sim::run(seed));
            });
        for (auto& w : workers) w.join();
    }
    show(all, system_clock().steady_now() - begun);
    return all.broken == 0 ? done : failed;
}

}  // namespace

void add_sim(CLI::App& parser, common& c) {
    auto f = std::make_shared<flags>();
    auto* command = parser.add_subcommand("sim",
                                          "Run order, inventory and payment under faults drawn from seeds, in virtual time, and check the invariants.\n"
                                          "Exit 0: all hold; 1: one is violated.");
    command->add_option("--seeds", f->seeds, "how many seeds")->check(CLI::Range(1, 1'000'000'000))->capture_default_str();
    command->add_option("--first", f->first, "the first of them")->capture_default_str();
    command->add_option("--seed", f->seed, "this one only");
    command->add_option("--jobs", f->jobs, "seeds at a time")->check(CLI::Range(1, 64))->capture_default_str();
    command->add_flag("--trace", f->trace, "with --seed: what happens, line by line");
    command->callback([f, &c] { c.exit = run(*f); });
}

}  // namespace bv::cli
