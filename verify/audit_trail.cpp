// audit.complete: the trail of every tracked table, against its rows.
//
// One pass over a table's entries: images are compared by 64-bit hashes (jsonb_hash_extended), so that a million entries
// are sorted as numbers. A trail is complete when each entry's old image is the new image of the entry before it, when
// it begins with an insert, and when its newest image is the row.
#include <fmt/format.h>

#include "verify/checks.hpp"

namespace bv::verify {
namespace {

struct tracked {
    std::string table;
    std::vector<std::string> key, redacted;
    bool exists = false;
    std::int64_t triggers = 0;  // enabled ones of the three
};

constexpr pg::statement list_tracked{"verify.tracked", R"(
    SELECT t.table_name, t.key, t.redacted, to_regclass(t.table_name) IS NOT NULL,
           (SELECT count(*) FROM pg_trigger g WHERE g.tgrelid = to_regclass(t.table_name)
               AND g.tgname IN ('audit_inserted', 'audit_updated', 'audit_deleted') AND g.tgenabled IN ('O', 'A'))
      FROM audit.tracked t ORDER BY t.table_name)"};

std::string quoted(std::string_view text, char with) {
    std::string out(1, with);
    for (const char c : text) {
        if (c == with) out += c;
        out += c;
    }
    return out + with;
}
std::string name(std::string_view identifier) { return quoted(identifier, '"'); }
std::string literal(std::string_view text) { return quoted(text, '\''); }

// What identifies a row: the trail's row_key, and where its columns end, because a value may hold a slash.
std::string identity_of_entry(const tracked& t) {
    std::string out = "row_key";
    for (std::size_t i = 0; i + 1 < t.key.size(); ++i) out += fmt::format(" || '@' || length(coalesce(new_values, old_values) ->> {})", literal(t.key[i]));
    return out;
}
std::string identity_of_row(const tracked& t) {
    std::string out, lengths;
    for (std::size_t i = 0; i < t.key.size(); ++i) {
        out += fmt::format("{}t.{}::text", out.empty() ? "" : " || '/' || ", name(t.key[i]));
        if (i + 1 < t.key.size()) lengths += fmt::format(" || '@' || length(t.{}::text)", name(t.key[i]));
    }
    return out + lengths;
}
// As the audit triggers write it.
std::string image_of_row(const tracked& t) {
    std::string out = "to_jsonb(t)";
    for (const auto& c : t.redacted) out += fmt::format(" || jsonb_build_object({}, encode(sha256(convert_to(t.{}::text, 'UTF8')), 'hex'))", literal(c), name(c));
    return out;
}

// The first row has the number of entries and rows, and of violations; the others are violations.
std::string trail_query(const tracked& t) {
    return fmt::format(R"(
        WITH entries AS (
            SELECT id, operation, ({1}) COLLATE "C" AS ident, jsonb_hash_extended(old_values, 0) AS old, jsonb_hash_extended(new_values, 0) AS new
              FROM audit.entries WHERE table_name = {0}),
        trail AS MATERIALIZED (
            SELECT id, operation, ident, old, new, lag(operation) OVER w AS operation_before, lag(new) OVER w AS before, lead(id) OVER w IS NULL AS newest
              FROM entries WINDOW w AS (PARTITION BY ident ORDER BY id)),
        now_rows AS MATERIALIZED (SELECT ({2}) COLLATE "C" AS ident, jsonb_hash_extended({3}, 0) AS image FROM {4} t),
        totals AS (
            SELECT count(*) AS entries, count(*) FILTER (WHERE operation = 1) - count(*) FILTER (WHERE operation = 3) AS kept,
                   (SELECT count(*) FROM now_rows) AS rows FROM trail),
        found AS (
            SELECT {0} || ' ' || ident AS id, 'an entry that goes on where the one before ended' AS expected,
                   format('entry %s, %s', id, CASE
                       WHEN operation = 1 THEN 'an insert of a row that was there'
                       WHEN operation_before IS NULL OR operation_before = 3 THEN 'a change of a row that was not there'
                       ELSE 'whose old values are others' END) AS found
              FROM trail
             WHERE CASE WHEN operation = 1 THEN coalesce(operation_before, 3) <> 3
                        ELSE operation_before IS NULL OR operation_before = 3 OR before IS DISTINCT FROM old END
            UNION ALL
            SELECT {0} || ' ' || coalesce(e.ident, r.ident),
                   CASE WHEN r.ident IS NULL THEN 'a delete entry, as the row is gone' WHEN e.ident IS NULL OR e.operation = 3 THEN 'an insert entry, as the row is there'
                        ELSE 'a newest entry with the values of the row' END,
                   CASE WHEN e.ident IS NULL THEN 'no entry' ELSE format('entry %s, %s', e.id,
                        (ARRAY['an insert', 'an update', 'a delete'])[e.operation] || CASE WHEN r.ident IS NULL OR e.operation = 3 THEN '' ELSE ' with others' END) END
              FROM (SELECT * FROM trail WHERE newest) e FULL JOIN now_rows r ON r.ident = e.ident
             WHERE CASE WHEN e.ident IS NULL THEN true WHEN r.ident IS NULL THEN e.operation <> 3 ELSE e.operation = 3 OR e.new IS DISTINCT FROM r.image END
            UNION ALL
            SELECT {0}, format('inserts less deletes: %s, the number of its rows', rows), kept::text FROM totals WHERE kept <> rows)
        SELECT NULL::text, NULL::text, NULL::text, (SELECT entries + rows FROM totals), (SELECT count(*) FROM found)
        UNION ALL
        (SELECT id, expected, found, 0, 0 FROM found ORDER BY id LIMIT $1))",
                       literal(t.table), identity_of_entry(t), identity_of_row(t), image_of_row(t), t.table);
}

task<void> check_table(const snapshot& s, const tracked& t, finding& f) {
    if (!t.exists) {
        f.add({t.table, "a table that is there, as it is tracked", "none"}, s.most);
        co_return;
    }
    if (t.triggers != 3) f.add({t.table, "3 audit triggers at work", fmt::format("{}", t.triggers)}, s.most);
    const auto room = static_cast<std::int64_t>(s.most - std::min(s.most, f.violations.size()));
    for (const auto row : co_await s.tx.query(kept(trail_query(t)), pg::params(room))) {
        if (row.is_null(0)) {
            f.checked += row.get<std::int64_t>(3);
            f.violation_count += row.get<std::int64_t>(4);
        } else {
            f.violations.push_back({row.get<std::string>(0), row.get<std::string>(1), row.get<std::string>(2)});
        }
    }
}

}  // namespace

task<void> check_audit(const snapshot& s, finding& f, const std::function<void(std::string_view)>& progress) {
    std::vector<tracked> tables;
    for (const auto row : co_await s.tx.query(list_tracked))
        tables.push_back({row.get<std::string>(0), row.get<std::vector<std::string>>(1), row.get<std::vector<std::string>>(2), row.get<bool>(3), row.get<std::int64_t>(4)});
    for (const auto& t : tables) {
        if (progress) progress(fmt::format("audit trail of {}", t.table));
        co_await check_table(s, t, f);
    }
}

}  // namespace bv::verify
