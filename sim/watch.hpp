// What holds at every moment, not only at the end: a run is looked at again and again, so that a mistake that mends itself is seen.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>

#include "sim/run.hpp"
#include "sim/stores.hpp"

namespace bv::sim {

class watch {
public:
    explicit watch(const stores& s) : stores_(s) {}
    // What is committed now. Each thing that is wrong is said once.
    void look(outcome&, steady_point now);
    // Nothing goes wrong any more: an operation at the provider that stays open for longer than this waits for nobody.
    void calm(steady_point now, milliseconds patience);

private:
    void look_at_stock(outcome&);
    void look_at_orders(outcome&);
    void look_at_operations(outcome&, steady_point now);
    void broken(outcome&, std::string_view invariant, std::string about, std::string what);

    const stores& stores_;
    std::int64_t commits_ = 0;              // when it looked last
    std::map<order::order_id, order::order> orders_;
    std::set<std::string> done_;            // operations
    std::map<std::string, steady_point> open_;  // operations, and since when
    std::optional<milliseconds> patience_{};
    std::set<std::string> said_;
};

}  // namespace bv::sim
