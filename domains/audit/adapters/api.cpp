#include "domains/audit/adapters/api.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

#include "platform/rpc/message_json.hpp"
#include "platform/rpc/page_token.hpp"
#include "platform/rpc/timestamp.hpp"

namespace bv::audit {

namespace {

// One statement for each index that serves it; the remaining filters narrow what the index finds.
#define BV_AUDIT_SELECT                                                                                                  \
    "SELECT id, at, table_name, row_key, operation, actor, trace_id, old_values, new_values FROM audit.entries WHERE "
#define BV_AUDIT_FILTERS                                                                                                 \
    " AND id < $1 AND ($2::text = '' OR table_name = $2) AND ($3::text = '' OR row_key = $3) AND ($4::text = '' OR actor = $4)" \
    " AND ($5::text = '' OR trace_id = $5) AND at >= coalesce($6::timestamptz, '-infinity') AND at < coalesce($7::timestamptz, 'infinity')" \
    " ORDER BY id DESC LIMIT $8"
constexpr pg::statement by_row{"audit.entries_by_row", BV_AUDIT_SELECT "table_name = $2 AND row_key = $3" BV_AUDIT_FILTERS};
constexpr pg::statement by_trace{"audit.entries_by_trace", BV_AUDIT_SELECT "trace_id = $5 AND trace_id IS NOT NULL" BV_AUDIT_FILTERS};
constexpr pg::statement newest{"audit.newest_entries", BV_AUDIT_SELECT "true" BV_AUDIT_FILTERS};
#undef BV_AUDIT_SELECT
#undef BV_AUDIT_FILTERS

// An image has bytes as text: "\\x" and two digits a byte.
constexpr pg::statement by_head{"audit.count_values", R"(
    SELECT decode(substr(v.value, 3, 2 * $3::int), 'hex'), count(*)
      FROM audit.entries e,
           LATERAL (VALUES (e.old_values), (e.new_values)) AS i (image),
           LATERAL jsonb_each_text(i.image) AS v
     WHERE e.table_name = $1 AND v.key = ANY($2::text[]) AND v.value LIKE '\\x%'
     GROUP BY 1)"};

constexpr pg::statement ensure{"audit.ensure_partitions", "SELECT audit.ensure_partitions($1::int)::bigint"};

void read_values(const std::optional<std::string>& text, google::protobuf::Struct* out) {
    if (!text) return;
    if (auto parsed = json::parse(*text, *out); !parsed) throw failure(parsed.error());
}

contract::AuditEntry entry_of(pg::row row) {
    contract::AuditEntry e;
    e.set_id(row.get<std::int64_t>(0));
    rpc::set_timestamp(*e.mutable_time(), row.get<time_point>(1));
    e.set_table(row.get<std::string>(2));
    e.set_row_key(row.get<std::string>(3));
    e.set_operation(static_cast<contract::AuditOperation>(row.get<std::int16_t>(4)));
    e.set_actor(row.get<std::string>(5));
    if (auto trace = row.get<std::optional<std::string>>(6)) e.set_trace_id(*trace);
    const auto before = row.get<std::optional<std::string>>(7), after = row.get<std::optional<std::string>>(8);
    if (before) read_values(before, e.mutable_old_values());
    if (after) read_values(after, e.mutable_new_values());
    return e;
}

std::optional<time_point> bound(bool has, const google::protobuf::Timestamp& t) {
    return has ? std::optional(rpc::to_time_point(t)) : std::nullopt;
}

// What a page token belongs to: the filter, without the page.
std::string list_of(contract::ListAuditEntriesRequest request) {
    request.clear_page_token();
    request.clear_page_size();
    return "audit?" + rpc::to_json(request);
}

}  // namespace

task<result<contract::ListAuditEntriesResponse>> api::list_audit_entries(rpc::context&, contract::ListAuditEntriesRequest request) {
    const std::int64_t size = request.page_size() == 0 ? 50 : request.page_size();
    std::int64_t before = std::numeric_limits<std::int64_t>::max();
    const auto list = list_of(request);
    const auto position = rpc::parse_page_token(list, request.page_token());
    if (!position) co_return std::unexpected(position.error());
    if (!position->empty()) {
        const auto& id = position->front();
        const auto [end, problem] = std::from_chars(id.data(), id.data() + id.size(), before);
        if (problem != std::errc{} || end != id.data() + id.size()) co_return invalid({{"pageToken", "is not a token of this list; take nextPageToken as it was given"}});
    }
    const auto& statement = !request.row_key().empty() && !request.table().empty() ? by_row : !request.trace_id().empty() ? by_trace : newest;
    const auto rows = co_await db_.query(statement, pg::params(before, request.table(), request.row_key(), request.actor(), request.trace_id(),
                                                               bound(request.has_from_time(), request.from_time()),
                                                               bound(request.has_to_time(), request.to_time()), size + 1));
    contract::ListAuditEntriesResponse out;
    for (const auto row : rows) {
        if (out.entries_size() == size) {
            out.set_next_page_token(rpc::page_token(list, std::array{std::to_string(out.entries(out.entries_size() - 1).id())}));
            break;
        }
        *out.add_entries() = entry_of(row);
    }
    co_return out;
}

task<std::int64_t> ensure_partitions(pg::database& db, int ahead) {
    const auto rows = co_await db.query(ensure, pg::params(static_cast<std::int64_t>(ahead)));
    co_return rows.front().get<std::int64_t>(0);
}

task<result<contract::CountValuesResponse>> api::count_values(rpc::context& ctx, contract::CountValuesRequest request) {
    if (ctx.caller.kind != rpc::caller_kind::service)
        co_return fail(code::permission_denied, "SCOPE_MISSING", "This needs the scope platform.internal, which only services of the platform have.");
    const std::vector<std::string> columns(request.columns().begin(), request.columns().end());
    contract::CountValuesResponse out;
    const auto rows = co_await db_.query(by_head, pg::params(request.table(), columns, static_cast<std::int64_t>(request.head_bytes())));
    for (const auto row : rows) {
        auto* count = out.add_counts();
        count->set_head(row.get<pg::bytes>(0).data);
        count->set_values(row.get<std::int64_t>(1));
    }
    co_return out;
}

}  // namespace bv::audit
