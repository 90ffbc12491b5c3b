#include "sim/run.hpp"

#include <fmt/format.h>

#include "platform/telemetry/trace.hpp"
#include "sim/checks.hpp"
#include "sim/street.hpp"
#include "sim/watch.hpp"

namespace bv::sim {
namespace {

constexpr milliseconds between_looks{20};
constexpr seconds patience{3'600};  // after the storm, everything must have ended within this

// The same for one operation at the provider: its lease, a slow call, and that the outcome is asked for. Whose clock was ahead has put it
// off by as much, and others believe that up to the longest time that anybody may put one off.
seconds patience_with_operations(const plan& p) {
    constexpr seconds minute{60};
    return p.rates[static_cast<std::size_t>(fault::clock_jump)] > 0 ? minute + payment::farthest_due : minute;
}

class world {
public:
    world(const plan& p, const tracer& trace) : plan_(p), chance_(p.seed, p.rates), scheduler_(p.seed ^ 0x5eed), trace_(trace) {
        out_.seed = p.seed;
        const later far = [this](milliseconds after, std::function<void()> what) { street_.spawn(do_later(this, after, std::move(what))); };
        for (const auto& n : p.nodes) nodes_.push_back(std::make_unique<node>(n, p.hold, stores_, time_, chance_, far));
        for (auto& n : nodes_) n->start();
    }

    outcome run() {
        const auto begun = time_.now();
        street_.open(plan_);
        run_until(begun + plan_.storm, [] { return false; });
        chance_.calm();
        watch_.calm(time_.now(), patience_with_operations(plan_));
        say("calm");
        for (auto& n : nodes_) {
            n->set_clock(false);
            n->stand_still(false);
            if (!n->is_up()) n->start();
        }
        const bool ended = run_until(begun + plan_.storm + patience, [this] { return busy().empty(); });
        if (!ended) out_.violations.push_back({"orders.final", busy(), "are not done an hour after the last fault"});
        // What consumers and read models still have before them.
        run_until(time_.now() + seconds(60), [this] { return all_heard(stores_) && busy().empty(); });
        stop();
        check(stores_, out_);
        street_.check(stores_, out_);
        if (trace_)
            for (const auto& line : stories(stores_, out_)) trace_(line);
        out_.virtual_seconds = std::chrono::duration<double>(time_.now() - begun).count();
        out_.faults = chance_.counts();
        return std::move(out_);
    }

private:
    void stop() {
        for (auto& n : nodes_) n->stop();
        run_until(time_.now() + seconds(60), [this] { return std::ranges::all_of(nodes_, &node::is_stopped); });
        for (auto& n : nodes_) {
            if (!n->is_stopped()) out_.violations.push_back({"nothing.left", n->name(), "does not stop"});
            n->crash();
        }
        if (time_.waiting() != 0) out_.violations.push_back({"nothing.left", "timers", fmt::format("{} still wait", time_.waiting())});
    }

    void mix(std::uint64_t x) noexcept { out_.trace_hash = (out_.trace_hash ^ x) * 0x100000001b3U + (out_.trace_hash >> 29); }
    void say(const std::string& line) {
        for (const char c : line) mix(static_cast<unsigned char>(c));
        if (trace_) trace_(fmt::format("{:12.6f} {}", std::chrono::duration<double>(time_.now().time_since_epoch()).count(), line));
    }

    // Runs one handler of a node that has one ready, chosen by the seed.
    bool run_one() {
        const auto count = nodes_.size() + 1;
        const auto first = scheduler_.below(count);
        for (std::size_t i = 0; i < count; ++i) {
            const auto which = (first + i) % count;
            if (!(which == nodes_.size() ? street_.run_one() : nodes_[which]->run_one())) continue;
            mix(which);
            ++out_.handlers;
            if (which < nodes_.size()) strike(*nodes_[which]);
            return true;
        }
        return false;
    }
    void strike(node& n) {
        if (chance_.happens(fault::clock_jump)) {
            n.set_clock(true);
            say(n.name() + "'s clock jumps");
        }
        if (chance_.may_happen(fault::standstill) && chance_.happens(fault::standstill)) {
            say(n.name() + " stands still");
            n.stand_still(true);
            street_.spawn(wake(this, &n, milliseconds(500 + scheduler_.below(9'500))));
            return;
        }
        if (!chance_.happens(fault::crash)) return;
        say(n.name() + " crashes");
        n.crash();
        street_.spawn(restart(this, &n, milliseconds(10 + scheduler_.below(8'000))));
    }
    static task<void> wake(world* w, node* n, milliseconds after) {
        co_await w->street_.time().sleep_for(after);
        if (!n->stands_still()) co_return;
        w->say(n->name() + " goes on");
        n->stand_still(false);
    }
    static task<void> restart(world* w, node* n, milliseconds after) {
        co_await w->street_.time().sleep_for(after);
        if (n->is_up()) co_return;
        w->say(n->name() + " starts again");
        n->start();
    }
    static task<void> do_later(world* w, milliseconds after, std::function<void()> what) {
        co_await w->street_.time().sleep_for(after);
        what();
    }

    // True once `done`; false at the limit.
    bool run_until(steady_point limit, const std::function<bool()>& done) {
        while (true) {
            while (run_one()) {
            }
            if (time_.now() >= looks_at_) {
                watch_.look(out_, time_.now());
                looks_at_ = time_.now() + between_looks;
            }
            if (done()) return true;
            if (!time_.advance(limit)) return false;
            mix(static_cast<std::uint64_t>(time_.now().time_since_epoch().count()));
        }
    }

    // What still has something to do; empty: nothing.
    std::string busy() const {
        std::size_t sagas = 0, operations = 0, mails = 0;
        stores_.orders.sagas.each_committed([&](const auto&, const auto&) { ++sagas; });
        stores_.payments.operations.each_committed([&](const auto&, const auto& o) { operations += o.b.state != payment::operation_state::done ? 1 : 0; });
        stores_.mails.rows.each_committed([&](const auto&, const auto& job) { mails += job.dead_at ? 0 : 1; });
        if (street_.busy() + sagas + operations + mails == 0) return {};
        return fmt::format("{} shoppers and suppliers, {} sagas, {} payment operations and {} e-mails", street_.busy(), sagas, operations, mails);
    }

    const plan& plan_;
    outcome out_;
    stores stores_;
    watch watch_{stores_};
    steady_point looks_at_{};
    timeline time_;
    chance chance_;
    seeded_rng scheduler_;
    const tracer& trace_;
    // Ends after the nodes, whose callers it has.
    street street_{stores_, time_, nodes_, plan_.seed ^ 0x57ee7, [this](const std::string& line) { say(line); }};
    std::vector<std::unique_ptr<node>> nodes_;
};

}  // namespace

outcome run(const plan& p, const tracer& trace) {
    telemetry::set_sampling_ratio(0);
    telemetry::seed_span_ids(p.seed);
    auto w = std::make_unique<world>(p, trace);
    return w->run();
}

outcome run(std::uint64_t seed) { return run(draw_plan(seed)); }

}  // namespace bv::sim
