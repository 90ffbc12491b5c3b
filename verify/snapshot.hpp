// One look at the stores: the transaction that all checks read in, and the orders they leave out. Private to verify.
#pragma once

#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "platform/core/uuid.hpp"
#include "platform/storage/postgres/database.hpp"
#include "verify/report.hpp"

namespace bv::verify {

// A statement whose text was made at run time: kept for the life of the process, as pg::statement demands.
[[nodiscard]] pg::statement kept(std::string sql);

struct snapshot {
    pg::transaction& tx;
    std::vector<uuid> under_way;                 // orders that something is still to happen to
    std::unordered_set<uuid> is_under_way;       // the same
    bool quiet = true;
    std::size_t most;                            // violations shown of an invariant
};

// A part of an invariant, as SQL: rows (id text, expected text, found text) of what breaks it. $1 may be used: the
// uuid[] of the orders under way.
struct rule {
    std::string_view sql;
};
// How many things the invariant is about: one bigint, no parameters.
struct census {
    std::string_view sql;
};

task<void> run_rule(const snapshot&, rule, finding&);
task<void> count(const snapshot&, census, finding&);

}  // namespace bv::verify
