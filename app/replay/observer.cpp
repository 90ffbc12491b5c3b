#include <algorithm>

#include "app/replay/json_fields.hpp"
#include "app/replay/outcomes.hpp"
#include "platform/core/error.hpp"

namespace bv::replay {

task<void> observer::look() {
    if (!operators_) co_return;
    try {
        const auto status = co_await operators_->demand(http::verb::get, "/v1/platform/status");
        end_bytes = number_at(status, "residentBytes");
        peak_bytes = std::max(peak_bytes, end_bytes);
        if (start_bytes == 0) start_bytes = end_bytes;
    } catch (const failure&) {
        // The platform may be away for a moment; what it says later is as good.
    }
}

task<void> observer::watch() {
    for (;;) {
        co_await clock_.sleep_for(std::chrono::seconds(1));
        co_await look();
    }
}

task<saga_durations> observer::read_sagas() {
    if (!operators_) co_return saga_durations{};
    const auto page = co_await operators_->page("/metrics");
    co_return page ? parse_saga_durations(*page) : saga_durations{};
}

task<void> observer::begin() {
    co_await look();
    before_ = co_await read_sagas();
}

task<void> observer::end() {
    co_await look();
    sagas = since(before_, co_await read_sagas());
}

task<std::optional<bool>> observer::drained() {
    if (!operators_) co_return std::nullopt;
    try {
        const auto status = co_await operators_->demand(http::verb::get, "/v1/platform/status");
        const auto& groups = items_at(status, "groups");
        co_return std::ranges::all_of(groups, [](const auto& g) { return number_at(g, "lag") == 0; });
    } catch (const failure&) {
        co_return std::nullopt;
    }
}

}  // namespace bv::replay
