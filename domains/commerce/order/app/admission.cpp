#include "domains/commerce/order/app/admission.hpp"

namespace bv::order {

result<void> admission::admit() {
    if (open_.fetch_add(1, std::memory_order_relaxed) < most_open_) return {};
    open_.fetch_sub(1, std::memory_order_relaxed);
    auto refused = error{code::unavailable, "OVERLOADED", "As many orders are under way as this platform carries at once; nothing was placed, try again in a moment.", {}, {}};
    refused.retry_after = milliseconds(1'000);
    return std::unexpected(std::move(refused));
}

task<void> admission::refresh(const environment& env) {
    storage::transaction_options options;
    options.identity = storage::system_identity("service:orders");
    options.read_only = true;
    const auto open = co_await env.db.transact(options, [&env](storage::unit_of_work& uow) { return env.sagas.count_open(uow); });
    open_.store(open, std::memory_order_relaxed);
}

}  // namespace bv::order
