#include "verify/snapshot.hpp"

#include <algorithm>
#include <map>
#include <mutex>

#include <fmt/format.h>

namespace bv::verify {

pg::statement kept(std::string sql) {
    static std::mutex mutex;
    static std::map<std::string, std::string> names;  // by text; nodes stay where they are
    const std::lock_guard lock(mutex);
    const auto [it, fresh] = names.try_emplace(std::move(sql));
    if (fresh) it->second = fmt::format("verify.{}", names.size());
    return {it->second, it->first};
}

task<void> run_rule(const snapshot& s, rule r, finding& to) {
    const auto sql = kept(fmt::format("SELECT id, expected, found, count(*) OVER () FROM ({}) AS v(id, expected, found) ORDER BY id LIMIT $2", r.sql));
    const auto room = static_cast<std::int64_t>(s.most - std::min(s.most, to.violations.size()));
    const auto rows = co_await s.tx.query(sql, pg::params(s.under_way, std::max<std::int64_t>(room, 1)));
    if (rows.empty()) co_return;
    to.violation_count += rows.front().get<std::int64_t>(3);
    for (const auto row : rows) {
        if (to.violations.size() < s.most) to.violations.push_back({row.get<std::string>(0), row.get<std::string>(1), row.get<std::string>(2)});
    }
}

task<void> count(const snapshot& s, census c, finding& to) {
    const auto rows = co_await s.tx.query(kept(std::string(c.sql)));
    to.checked += rows.front().get<std::int64_t>(0);
}

}  // namespace bv::verify
