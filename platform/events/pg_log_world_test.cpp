#include "platform/events/pg_log_world.hpp"

#include "platform/events/log_contract.hpp"

namespace bv::events {
namespace {
std::unique_ptr<log_world> make_pg_world() { return std::make_unique<pg_log_world>(); }
std::unique_ptr<log_world> make_leased_pg_world() { return std::make_unique<pg_log_world>(pg_log_world::fast(), true); }
INSTANTIATE_TEST_SUITE_P(embedded, log_contract, ::testing::Values(make_pg_world));
INSTANTIATE_TEST_SUITE_P(embedded_in_turns, log_contract, ::testing::Values(make_leased_pg_world));
}  // namespace

}  // namespace bv::events
