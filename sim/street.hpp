// Who calls the platform: shoppers, and those who fill the shelves. They ask again under the same key until they are answered,
// and remember what they were told.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sim/node.hpp"
#include "sim/run.hpp"

namespace bv::sim {

// What a shopper was told about an order.
struct promise {
    std::string order;
    shopper who;
    steady_point asked{}, answered{};  // its placing
    bool cancelled = false;
    std::vector<std::string> returned;  // keys of returns that were accepted
    std::int64_t version = 0;           // the newest that was seen
};

class street {
public:
    using sayer = std::function<void(const std::string&)>;
    street(stores&, timeline&, std::vector<std::unique_ptr<node>>&, std::uint64_t seed, sayer);

    void open(const plan&);
    // Handlers of its own, like a node's.
    bool run_one();
    void spawn(task<void> t) { tasks_.spawn(io_.get_executor(), std::move(t)); }
    [[nodiscard]] std::size_t busy() const noexcept { return tasks_.size(); }
    [[nodiscard]] clock& time() noexcept { return clock_; }
    // Whether what was promised is so, and what was seen can be.
    void check(const stores&, outcome&) const;

private:
    using placed = order::contract::Order;
    template <class R>
    using ask = std::function<task<result<R>>(node*)>;
    template <class R>
    struct exchange;
    template <class R>
    struct hang_up;
    template <class R>
    static task<void> serve(hang_up<R>, std::function<task<result<R>>()> work);
    template <class R>
    static task<result<R>> call(node* to, std::function<task<result<R>>()> work);
    template <class R>
    task<result<R>> insist(role, ask<R>);
    node* find(role);
    static task<void> change_price(street*, price_change);
    static task<void> deliver(street*, supply);
    static task<void> shop(street*, shopper);
    static task<void> give_back(street*, promise*);
    static task<void> look(street*, promise*);
    void saw(promise&, std::int64_t known, const placed&);
    void wrong(std::string invariant, std::string about, std::string what) { seen_.push_back({std::move(invariant), std::move(about), std::move(what)}); }

    stores& stores_;
    timeline& time_;
    std::vector<std::unique_ptr<node>>& nodes_;
    seeded_rng random_;
    sayer say_;
    node_clock clock_;
    std::vector<std::unique_ptr<promise>> promises_;
    std::vector<supply> supplied_;
    std::vector<violation> seen_;
    scope tasks_{"sim.street"};
    asio::io_context io_{1};
};

}  // namespace bv::sim
