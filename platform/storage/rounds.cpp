#include "platform/storage/rounds.hpp"

#include <exception>
#include <utility>

#include "platform/runtime/process_identity.hpp"
#include "platform/telemetry/log.hpp"

namespace bv::storage {

task<void> once_in(lease_store& leases, std::string name, milliseconds every, std::function<task<void>()> work) {
    // A little less, so that who did it last does not find its own time just not over.
    const auto life = every - every / 16;
    const auto owner = process_identity() + "#round";
    auto mine = co_await leases.acquire(name, owner, life);
    if (!mine && !mine.error().owner.empty() && is_surely_gone(mine.error().owner)) mine = co_await leases.acquire(name, owner, life, mine.error().owner);
    if (!mine) co_return;
    std::exception_ptr broken;
    try {
        co_await work();
    } catch (...) {
        broken = std::current_exception();
    }
    if (!broken) co_return;
    try {
        co_await leases.release(*mine);
    } catch (const failure& f) {
        telemetry::debug("lease.not_released", {{"lease", mine->name}, {"reason", f.error().reason}});
    }
    std::rethrow_exception(broken);
}

}  // namespace bv::storage
