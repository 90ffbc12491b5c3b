#include "sim/search.hpp"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <thread>

#include "sim/transitions.hpp"

namespace bv::sim {

void tally::add(outcome o) {
    ++runs;
    handlers += o.handlers;
    virtual_seconds += o.virtual_seconds;
    orders += o.orders;
    for (std::size_t i = 0; i < faults.size(); ++i) faults[i] += o.faults[i];
    for (const auto& [name, n] : o.transitions) transitions[name] += n;
    if (!o.holds()) broken.insert(std::ranges::upper_bound(broken, o.seed, {}, &outcome::seed), std::move(o));
}

std::vector<std::string> tally::unseen() const {
    std::vector<std::string> out;
    for (const auto& name : all_transitions())
        if (!transitions.contains(name)) out.push_back(name);
    return out;
}

plan plan_of(const search_options& o, std::uint64_t seed) {
    if (!o.of) return draw_plan(seed);
    auto p = *o.of;
    p.seed = seed;
    return p;
}

tally search(const search_options& o, const std::function<void(const tally&)>& progress) {
    tally all;
    std::mutex mutex;
    std::atomic<std::uint64_t> next{o.first};
    std::atomic<bool> ended{false};
    auto& time = system_clock();
    const auto begun = time.steady_now();
    const auto work = [&] {
        while (!ended) {
            const auto seed = next++;
            if (o.time ? time.steady_now() >= begun + *o.time : seed >= o.first + o.seeds) return;
            auto found = run(plan_of(o, seed));
            const std::lock_guard lock(mutex);
            if (o.until_broken && !found.holds()) ended = true;
            all.add(std::move(found));
            all.took = time.steady_now() - begun;
            if (progress) progress(all);
        }
    };
    std::vector<std::thread> workers;
    for (unsigned i = 1; i < o.jobs; ++i) workers.emplace_back(work);
    work();
    for (auto& w : workers) w.join();
    return all;
}

namespace {

class shrinker {
public:
    shrinker(plan whole, const outcome& o, int most) : whole_(std::move(whole)), invariant_(o.violations.front().invariant), left_(most), best_{{}, o, 0} {}

    shortest run() {
        quieten();
        fewer_shoppers();
        for (std::size_t i = 0; i < fault_kinds; ++i) {
            auto c = best_.without;
            if (whole_.rates[i] > 0 && c.without.insert(static_cast<fault>(i)).second) (void)try_out(c);
        }
        for (const auto part : {&cuts::without_supplies, &cuts::without_prices}) {
            auto c = best_.without;
            c.*part = true;
            (void)try_out(c);
        }
        quieten();
        fewer_shoppers();
        return std::move(best_);
    }

private:
    // What is cut away changes when everything else happens, so a cut is tried under more than one schedule.
    bool try_out(cuts c) {
        if (breaks(c)) return true;
        for (std::uint64_t luck = 1; luck <= schedules; ++luck) {
            c.luck = luck;
            if (c.luck != best_.without.luck && breaks(c)) return true;
        }
        return false;
    }
    // Still the same violation? Then that is the best so far.
    bool breaks(const cuts& c) {
        if (left_-- <= 0) return false;
        ++best_.tries;
        auto o = sim::run(apply(whole_, c));
        if (std::ranges::none_of(o.violations, [this](const violation& v) { return v.invariant == invariant_; })) return false;
        best_.without = c;
        best_.broken = std::move(o);
        return true;
    }
    void quieten() {
        for (auto storm = apply(whole_, best_.without).storm / 2; storm > milliseconds(50); storm /= 2) {
            auto c = best_.without;
            c.calm_after = storm;
            if (!try_out(c)) return;
        }
    }
    // Halves, then quarters, and so on to single ones.
    void fewer_shoppers() {
        std::vector<int> kept;
        for (const auto& s : apply(whole_, best_.without).shoppers) kept.push_back(s.number);
        for (auto size = kept.size() / 2; size > 0; size /= 2) {
            for (std::size_t from = 0; from < kept.size();) {
                auto fewer = kept;
                const auto begin = fewer.begin() + static_cast<std::ptrdiff_t>(from);
                fewer.erase(begin, begin + static_cast<std::ptrdiff_t>(std::min(size, fewer.size() - from)));
                auto c = best_.without;
                c.shoppers.emplace(fewer.begin(), fewer.end());
                if (!fewer.empty() && try_out(c)) kept = std::move(fewer);
                else from += size;
            }
        }
    }

    static constexpr std::uint64_t schedules = 4;

    const plan whole_;
    const std::string invariant_;
    int left_;
    shortest best_;
};

}  // namespace

shortest shrink(const plan& whole, const outcome& o, int most) { return shrinker(whole, o, most).run(); }

}  // namespace bv::sim
