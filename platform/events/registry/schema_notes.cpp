#include "platform/events/registry/schema_notes.hpp"

#include <fmt/format.h>

#include "platform/security/digest.hpp"
#include "platform/security/encoding.hpp"

namespace bv::events::registry {
namespace {

constexpr pg::statement find_schema{"schemas.find", R"(
    SELECT id, version, schema FROM platform.event_schema WHERE subject = $1 AND fingerprint = $2)"};
constexpr pg::statement schema_of_id{"schemas.of_id", R"(
    SELECT schema FROM platform.event_schema WHERE id = $1 LIMIT 1)"};
constexpr pg::statement newest_schemas{"schemas.newest", R"(
    SELECT DISTINCT ON (subject) subject, id, version FROM platform.event_schema WHERE subject = ANY ($1) ORDER BY subject, version DESC)"};
// Two relays of one source may be at work for a moment: both got the same.
constexpr pg::statement note_schema{"schemas.note", R"(
    INSERT INTO platform.event_schema (subject, fingerprint, id, version, schema) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING)"};

}  // namespace

task<std::optional<registered>> schema_notes::find(std::string subject, std::string fingerprint) {
    const auto found = co_await database_.query(find_schema, pg::params(subject, fingerprint));
    if (found.empty()) co_return std::nullopt;
    const auto row = found.front();
    co_return registered{row.get<std::int32_t>(0), row.get<std::int32_t>(1), row.get<std::string>(2)};
}

task<std::optional<std::string>> schema_notes::text_of(std::int32_t id) {
    const auto found = co_await database_.query(schema_of_id, pg::params(id));
    if (found.empty()) co_return std::nullopt;
    co_return found.front().get<std::string>(0);
}

task<std::map<std::string, registered>> schema_notes::newest(std::vector<std::string> subjects) {
    const auto found = co_await database_.query(newest_schemas, pg::params(subjects));
    std::map<std::string, registered> out;
    for (const auto row : found) out[row.get<std::string>(0)] = {row.get<std::int32_t>(1), row.get<std::int32_t>(2)};
    co_return out;
}

task<void> schema_notes::note(std::string subject, std::string fingerprint, registered r) {
    co_await database_.query(note_schema, pg::params(subject, fingerprint, r.id, r.version, r.text));
}

std::string fingerprint_of(const std::string& text, const std::vector<reference>& references) {
    auto all = text;
    for (const auto& r : references) all += fmt::format("\n{} {} {}", r.name, r.subject, r.version);
    return security::hex(security::sha256(all));
}

}  // namespace bv::events::registry
