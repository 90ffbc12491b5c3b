// bv sim: the services under faults drawn from seeds, in virtual time.
#include <charconv>
#include <fstream>
#include <iostream>
#include <optional>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "app/cli/command.hpp"
#include "app/cli/commit.hpp"
#include "app/replay/progress_line.hpp"
#include "platform/telemetry/log.hpp"
#include "sim/plan_file.hpp"
#include "sim/search.hpp"

namespace bv::cli {
namespace {

namespace json = boost::json;

struct flags {
    sim::search_options search{};
    std::uint64_t seed = 0, luck = 0;
    std::vector<int> shoppers;
    std::string without, duration, plan, save;
    std::int64_t calm_after = 0;
    bool trace = false, json = false;
    int shrink = 400;
};

// "10m", "90s", "2h".
std::optional<seconds> parse_duration(const std::string& text) {
    std::int64_t n = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
    const std::string_view unit(end, text.data() + text.size());
    const std::int64_t factor = unit == "s" ? 1 : unit == "m" ? 60 : unit == "h" ? 3'600 : 0;
    if (error != std::errc{} || n < 1 || n > 1'000'000 || factor == 0) return std::nullopt;
    return seconds(n * factor);
}

std::string sum(const sim::tally& t) {
    const auto took = std::max(t.took.count(), 1e-3);
    std::uint64_t faults = 0;
    for (const auto n : t.faults) faults += n;
    return fmt::format("{} seeds in {:.1f} s ({:.1f} a second): {} orders, {:.1f} virtual hours ({:.0f} x real time), {} faults{}", t.runs, took,
                       static_cast<double>(t.runs) / took, t.orders, t.virtual_seconds / 3'600, t.virtual_seconds / took, faults,
                       t.broken.empty() ? "" : fmt::format(", {} seeds broken", t.broken.size()));
}

void print_violations(const sim::outcome& o) {
    for (const auto& v : o.violations) std::cout << fmt::format("  {}  {}: {}\n", v.invariant, v.about, v.what);
}

// What runs it again.
std::string command_of(const flags& f, std::uint64_t seed, const sim::cuts& without) {
    return fmt::format("./bv sim{}{} --seed {}{}", f.plan.empty() ? "" : " --plan ", f.plan, seed, sim::to_options(without));
}

// What is left of a broken seed once all is cut away that it does not need, and what happens in it.
void print_shortest(const sim::outcome& o, const flags& f) {
    const auto whole = sim::plan_of(f.search, o.seed);
    const auto least = sim::shrink(whole, o, f.shrink);
    const auto rest = sim::apply(whole, least.without);
    std::cout << fmt::format("cut down in {} runs to {} of its shoppers:\n", least.tries, rest.shoppers.size());
    print_violations(least.broken);
    const sim::tracer show = [](const std::string& line) { std::cout << "  " << line << '\n'; };
    (void)sim::run(rest, show);
    std::cout << fmt::format("again: {} --trace\nto keep it: the same with --save FILE\n", command_of(f, o.seed, least.without));
}

void print_text(const sim::tally& t, const flags& f) {
    std::cout << sum(t) << "\nfaults:";
    for (std::size_t i = 0; i < t.faults.size(); ++i) std::cout << fmt::format("{} {} {}", i == 0 ? "" : ",", t.faults[i], sim::fault_names[i].what);
    const auto unseen = t.unseen();
    std::cout << fmt::format("\ntransitions of orders: {} seen, {} not\n", t.transitions.size(), unseen.size());
    for (const auto& [name, n] : t.transitions) std::cout << fmt::format("  {:8}  {}\n", n, name);
    for (const auto& name : unseen) std::cout << fmt::format("  {:>8}  {}\n", "not seen", name);
    for (const auto& o : t.broken) {
        std::cout << fmt::format("\nseed {} breaks {} (bitvelocity {})\n", o.seed, o.violations.front().invariant, commit());
        print_violations(o);
    }
    if (!t.broken.empty() && f.shrink > 0) print_shortest(t.broken.front(), f);
    if (t.broken.empty()) std::cout << "every invariant holds\n";
    std::cout << std::flush;
}

json::array to_json(const std::vector<sim::violation>& all) {
    json::array out;
    for (const auto& v : all) out.push_back({{"invariant", v.invariant}, {"about", v.about}, {"what", v.what}});
    return out;
}

void print_json(const sim::tally& t, const flags& f) {
    json::object faults, transitions;
    for (std::size_t i = 0; i < t.faults.size(); ++i) faults[sim::fault_names[i].id] = t.faults[i];
    for (const auto& [name, n] : t.transitions) transitions[name] = n;
    for (const auto& name : t.unseen()) transitions[name] = 0;
    json::array broken;
    for (const auto& o : t.broken) {
        json::object one{{"seed", o.seed}, {"violations", to_json(o.violations)}};
        if (f.shrink > 0 && broken.empty())
            one["again"] = command_of(f, o.seed, sim::shrink(sim::plan_of(f.search, o.seed), o, f.shrink).without) + " --trace";
        broken.push_back(std::move(one));
    }
    std::cout << json::serialize(json::object{{"commit", commit()}, {"holds", t.broken.empty()}, {"seeds", t.runs}, {"seconds", t.took.count()},
                                              {"virtual_seconds", t.virtual_seconds}, {"orders", t.orders}, {"handlers", t.handlers},
                                              {"faults", std::move(faults)}, {"transitions", std::move(transitions)}, {"broken", std::move(broken)}})
              << '\n';
}

int run_one(const flags& f, const sim::cuts& without) {
    sim::tracer trace;
    if (f.trace) trace = [](const std::string& line) { std::cout << line << '\n'; };
    const auto plan = sim::apply(sim::plan_of(f.search, f.seed), without);
    const auto o = sim::run(plan, trace);
    if (!f.save.empty()) {
        const auto what = o.holds() ? std::string("every invariant holds") : fmt::format("{} {}", o.violations.front().invariant, o.violations.front().what);
        if (!(std::ofstream(f.save) << sim::to_json(plan, what))) {
            std::cerr << fmt::format("bv: --save: {} cannot be written\n", f.save);
            return failed;
        }
    }
    if (f.json) {
        std::cout << json::serialize(json::object{{"seed", o.seed}, {"trace", fmt::format("{:016x}", o.trace_hash)}, {"holds", o.holds()}, {"violations", to_json(o.violations)}}) << '\n';
    } else {
        std::cout << fmt::format("seed {}: trace {:016x}, {} handlers, {} orders\n", o.seed, o.trace_hash, o.handlers, o.orders);
        print_violations(o);
        std::cout << (o.holds() ? "every invariant holds\n" : "") << std::flush;
    }
    return o.holds() ? done : failed;
}

int run_many(const flags& f) {
    replay::progress_line line(std::cerr, on_terminal(2), system_clock());
    const auto found = sim::search(f.search, [&](const sim::tally& t) {
        if (!f.json) line.show(sum(t));
    });
    line.clear();
    f.json ? print_json(found, f) : print_text(found, f);
    return found.broken.empty() ? done : failed;
}

int run(flags f, bool one_seed) {
    telemetry::set_log_descriptor(-1);
    sim::cuts without;
    if (const auto wrong = sim::leave_out(without, f.without); !wrong.empty()) {
        std::cerr << fmt::format("bv: --without: there is nothing called \"{}\"; what can be left out:", wrong);
        for (const auto& n : sim::fault_names) std::cerr << ' ' << n.id;
        std::cerr << " supplies prices\n";
        return wrong_use;
    }
    if (!f.plan.empty()) {
        auto p = sim::read_plan(f.plan);
        if (!p) {
            std::cerr << fmt::format("bv: --plan: {}\n", p.error().message);
            return wrong_use;
        }
        f.search.of = std::move(*p);
    }
    if (!f.shoppers.empty()) without.shoppers.emplace(f.shoppers.begin(), f.shoppers.end());
    if (f.calm_after > 0) without.calm_after = milliseconds(f.calm_after);
    if (f.luck > 0) without.luck = f.luck;
    if (one_seed) return run_one(f, without);
    if (!without.empty() || f.trace || !f.save.empty()) {
        std::cerr << "bv: --shoppers, --without, --calm-after, --luck, --trace and --save are about one run: name its --seed\n";
        return wrong_use;
    }
    if (!f.duration.empty() && !(f.search.time = parse_duration(f.duration))) {
        std::cerr << fmt::format("bv: --for: \"{}\" is not a time such as 90s, 10m or 2h\n", f.duration);
        return wrong_use;
    }
    return run_many(f);
}

}  // namespace

void add_sim(CLI::App& parser, common& c) {
    auto f = std::make_shared<flags>();
    auto* command = parser.add_subcommand("sim",
                                          "Run order, inventory, payment and notification under faults drawn from seeds, in virtual time, and check the invariants.\n"
                                          "Exit 0: all hold; 1: one is violated, and the shortest history that does it is shown.");
    auto* seeds = command->add_option("--seeds", f->search.seeds, "how many seeds")->check(CLI::Range(1, 1'000'000'000))->capture_default_str();
    command->add_option("--first", f->search.first, "the first of them")->capture_default_str();
    command->add_option("--for", f->duration, "as many seeds as there is time for: 90s, 10m, 2h")->excludes(seeds);
    command->add_option("--jobs", f->search.jobs, "seeds at a time")->check(CLI::Range(1, 64))->capture_default_str();
    command->add_flag("--until-broken", f->search.until_broken, "ends at the first seed that breaks an invariant");
    command->add_option("--shrink", f->shrink, "runs that cutting down the first broken seed may take; 0: none")->check(CLI::Range(0, 10'000))->capture_default_str();
    auto* seed = command->add_option("--seed", f->seed, "this one only");
    command->add_option("--plan", f->plan, "the plan in this file instead of the seed's own; the seed is its schedule and its luck");
    command->add_option("--save", f->save, "with --seed: writes its plan, as it is cut down, into this file");
    command->add_option("--shoppers", f->shoppers, "with --seed: only these shoppers, by number")->delimiter(',');
    command->add_option("--without", f->without, "with --seed: without these faults, \"supplies\" or \"prices\": crash,decline");
    command->add_option("--calm-after", f->calm_after, "with --seed: nothing goes wrong after so many milliseconds")->check(CLI::Range(1, 1'000'000));
    command->add_option("--luck", f->luck, "with --seed: another schedule, and other moments of what goes wrong")->check(CLI::PositiveNumber);
    command->add_flag("--trace", f->trace, "with --seed: what happens, line by line");
    command->add_flag("--json", f->json, "for programs");
    command->callback([f, seed, &c] { c.exit = run(*f, seed->count() > 0); });
}

}  // namespace bv::cli
