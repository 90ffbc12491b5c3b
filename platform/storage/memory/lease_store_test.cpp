#include "platform/storage/memory/lease_store.hpp"

#include "platform/storage/lease_contract.hpp"
#include "platform/testing/run.hpp"

namespace bv::memory {
namespace {

class memory_lease_world final : public storage::lease_world {
public:
    storage::lease_store& leases() override { return store_; }
    storage::transactor& db() override { return client_; }
    void run(std::function<task<void>(lease_world&)> body) override { testing::run(body(*this)); }

private:
    database database_;
    memory::leases tables_;
    client client_{database_, system_clock(), system_rng()};
    lease_store store_{client_, tables_, system_clock()};
};

std::unique_ptr<storage::lease_world> make() { return std::make_unique<memory_lease_world>(); }

}  // namespace
}  // namespace bv::memory

namespace bv::storage {
INSTANTIATE_TEST_SUITE_P(memory, lease_contract, ::testing::Values(memory::make));
}  // namespace bv::storage
