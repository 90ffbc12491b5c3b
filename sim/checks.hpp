// The invariants of docs/invariants.md on the memory stores, once the world is quiet.
#pragma once

#include "sim/run.hpp"
#include "sim/stores.hpp"

namespace bv::sim {

void check(const stores&, outcome&);

}  // namespace bv::sim
