#include "platform/events/event_supply.hpp"

namespace bv::events {
namespace {

constexpr std::int32_t fetch_rows = 512;

}  // namespace

task<supply_slice> tail_supply::take(std::int64_t after, std::vector<std::string> types, std::size_t max) {
    auto found = tail_->take(after, types, max);
    supply_slice out{{}, found.scanned, found.head, found.generation};
    if (found.behind) {
        found.events = co_await reader_.fetch(tail_->source(), after, found.head, fetch_rows);
        // Nothing between us and head is left: retention removed it.
        out.scanned = found.events.empty() ? found.head : found.events.back()->position;
        std::erase_if(found.events, [&types](const event_ptr& e) { return !matches(types, *e); });
    }
    out.events.reserve(found.events.size());
    for (auto& e : found.events) {
        const auto at = e->position;
        out.events.push_back({std::move(e), at});
    }
    co_return out;
}

}  // namespace bv::events
