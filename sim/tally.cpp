#include "sim/tally.hpp"

#include <utility>

namespace bv::sim {
namespace {

task<void> count(tallies* in, storage::unit_of_work* uow, std::span<const events::event> batch) {
    auto& tx = memory::of(*uow);
    co_await tx.statement();
    for (const auto& e : batch) co_await in->applied.upsert(tx, e.position, 1, [](int& times) { ++times; });
}

}  // namespace

events::subscription tally(tallies& in, std::string source, storage::transactor& store, storage::lease_store& leases) {
    events::subscription s{.group = "tally", .source = std::move(source), .types = {}};
    s.handler = [&in](storage::unit_of_work& uow, std::span<const events::event> batch) { return count(&in, &uow, batch); };
    s.store = &store;
    s.leases = &leases;
    s.consumer = "tally";
    return s;
}

}  // namespace bv::sim
