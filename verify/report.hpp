// What a check of the invariants found, and how it is shown.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "platform/core/clock.hpp"

namespace bv::verify {

// One thing that breaks an invariant.
struct violation {
    std::string id;        // of the row, order, SKU, account: what to look for in the stores
    std::string expected;  // in plain words
    std::string found;
    friend bool operator==(const violation&, const violation&) = default;
};

// One invariant and how it fared.
struct finding {
    std::string invariant;             // "stock.conserved"
    std::string statement;             // one line, plain words
    std::int64_t checked = 0;          // rows, orders, entries: what the statement is about
    std::int64_t violation_count = 0;
    std::vector<violation> violations; // the first ones
    milliseconds took{0};
    std::string skipped;               // why it was not checked, or not all of it; empty: it was

    [[nodiscard]] bool holds() const noexcept { return violation_count == 0; }
    void add(violation, std::size_t most);
};

struct report {
    std::vector<finding> findings;  // in the order of `all_invariants`
    time_point at{};                // of the snapshot
    bool quiet = true;              // nothing was under way
    std::string under_way;          // if not quiet: what was, in words
    std::int64_t left_out = 0;      // orders under way, which the checks of single orders leave out
    milliseconds waited{0};         // for quiet
    milliseconds took{0};           // without the waiting

    [[nodiscard]] bool holds() const noexcept;
    [[nodiscard]] std::int64_t violation_count() const noexcept;
    [[nodiscard]] const finding* find(std::string_view invariant) const noexcept;
};

struct invariant {
    std::string_view id;
    std::string_view statement;
};
[[nodiscard]] const std::vector<invariant>& all_invariants();

// A table with a line an invariant, then the violations. `colour`: for a terminal.
[[nodiscard]] std::string to_text(const report&, bool colour = false);
// {"holds": …, "invariants": [{"id", "statement", "holds", "checked", "violations": [{"id", "expected", "found"}], …}]}, one line.
[[nodiscard]] std::string to_json(const report&);

}  // namespace bv::verify
