// The invariants of docs/invariants.md on the memory stores, once the world is quiet.
#pragma once

#include "sim/run.hpp"
#include "sim/stores.hpp"

namespace bv::sim {

// Whether every consumer group has passed every event.
[[nodiscard]] bool all_heard(const stores&);
void check(const stores&, outcome&);
// Of each order that a violation names: its stream in one line, with what inventory and payment have of it.
[[nodiscard]] std::vector<std::string> stories(const stores&, const outcome&);

}  // namespace bv::sim
