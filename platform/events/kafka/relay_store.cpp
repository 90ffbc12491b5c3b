#include "platform/events/kafka/relay_store.hpp"

#include <fmt/format.h>

namespace bv::events::kafka {
namespace {

constexpr pg::statement begin_relay{"relay.begin", R"(
    INSERT INTO platform.event_relay AS r (source, fence) VALUES ($1, $2)
    ON CONFLICT (source) DO UPDATE SET fence = excluded.fence, updated_at = now() WHERE r.fence <= excluded.fence
    RETURNING position)"};
constexpr pg::statement advance_relay{"relay.advance", R"(
    UPDATE platform.event_relay SET position = $4, updated_at = now()
    WHERE source = $1 AND fence = $2 AND position = $3)"};
constexpr pg::statement rewind_relay{"relay.rewind", R"(
    UPDATE platform.event_relay SET position = 0, updated_at = now() WHERE source = $1 AND position > 0)"};
constexpr pg::statement confirm_relay{"relay.confirm", R"(
    SELECT 1 FROM platform.event_relay WHERE source = $1 AND position = $3 AND fence = $2)"};

failure fenced(const std::string& source) {
    return {code::aborted, "RELAY_FENCED", fmt::format("another relay has taken the events of {} over", source)};
}

}  // namespace

task<std::int64_t> relay_store::begin(std::string source, std::int64_t fence) {
    const auto found = co_await database_.query(begin_relay, pg::params(source, fence));
    if (found.empty()) throw fenced(source);
    co_return found.front().get<std::int64_t>(0);
}

task<void> relay_store::advance(std::string source, std::int64_t fence, std::int64_t from, std::int64_t to) {
    const auto moved = co_await database_.query(advance_relay, pg::params(source, fence, from, to));
    if (moved.affected() != 1) throw fenced(source);
}

task<void> relay_store::confirm(std::string source, std::int64_t fence, std::int64_t position) {
    const auto found = co_await database_.query(confirm_relay, pg::params(source, fence, position));
    if (found.empty()) throw fenced(source);
}

task<bool> relay_store::rewind(std::string source) {
    const auto moved = co_await database_.query(rewind_relay, pg::params(source));
    co_return moved.affected() == 1;
}

}  // namespace bv::events::kafka
