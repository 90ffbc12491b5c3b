// provider.agrees: the payment provider's list of operations against ours. Reads only, unlike the reconciliation job.
//
// The provider is asked after the snapshot was taken: what the snapshot has done must be in its list, and what is in its
// list must be in our books of now.
#include <map>
#include <unordered_map>
#include <unordered_set>

#include <boost/asio/this_coro.hpp>
#include <fmt/format.h>

#include "verify/checks.hpp"

namespace bv::verify {
namespace {

constexpr int page = 1'000;

constexpr pg::statement done_in_snapshot{"verify.operations_done", "SELECT key FROM payment.operations WHERE state = 'done' AND provider_sequence IS NOT NULL"};

constexpr pg::statement operations_now{"verify.operations_now", R"(
    SELECT key, kind, amount_minor, currency, state, coalesce(succeeded, false) FROM payment.operations WHERE key = ANY ($1::text[]))"};

constexpr pg::statement ledger_totals{"verify.ledger_totals", R"(
    SELECT account, currency, sum(CASE account WHEN 'sales' THEN -amount_minor ELSE amount_minor END)::bigint
      FROM payment.ledger_entries WHERE account IN ('sales', 'refunds') GROUP BY account, currency HAVING sum(amount_minor) <> 0)"};

struct operation_row {
    std::string kind, currency, state;
    std::int64_t amount = 0;
    bool succeeded = false;
};

std::string text_of(std::string_view kind, std::int64_t amount, std::string_view currency, bool done) {
    return kind == "void" ? fmt::format("void, {}", done ? "done" : "declined") : fmt::format("{} of {} {}, {}", kind, amount, currency, done ? "done" : "declined");
}

task<void> compare_page(const std::vector<payment::provider_record>& theirs, pg::database& admin, bool quiet, std::size_t most, finding& f) {
    std::vector<std::string> keys;
    for (const auto& r : theirs) keys.push_back(r.key);
    std::unordered_map<std::string, operation_row> ours;
    for (const auto row : co_await admin.query(operations_now, pg::params(keys)))
        ours.emplace(row.get<std::string>(0), operation_row{row.get<std::string>(1), row.get<std::string>(3), row.get<std::string>(4), row.get<std::int64_t>(2), row.get<bool>(5)});
    for (const auto& r : theirs) {
        ++f.checked;
        const auto their_text = text_of(name(r.kind), r.amount.minor, r.amount.currency.code(), r.outcome.done);
        const auto at = ours.find(r.key);
        if (at == ours.end()) {
            f.add({"operation " + r.key, "the provider's: " + their_text, "none of ours"}, most);
            continue;
        }
        const auto& o = at->second;
        if (o.state != "done") {
            if (quiet) f.add({"operation " + r.key, "the provider's: " + their_text, "ours is " + o.state}, most);
            continue;
        }
        const bool same_amount = r.kind == payment::operation_kind::void_ || (o.amount == r.amount.minor && o.currency == r.amount.currency.code());
        if (o.kind != name(r.kind) || !same_amount || o.succeeded != r.outcome.done)
            f.add({"operation " + r.key, "the provider's: " + their_text, "ours: " + text_of(o.kind, o.amount, o.currency, o.succeeded)}, most);
    }
}

task<void> compare_totals(const snapshot& s, const payment::provider_totals& theirs, finding& f) {
    std::map<std::pair<std::string, std::string>, std::pair<std::int64_t, std::int64_t>> both;  // ours, theirs
    for (const auto row : co_await s.tx.query(ledger_totals)) both[{row.get<std::string>(0), row.get<std::string>(1)}].first = row.get<std::int64_t>(2);
    for (const auto& [currency, amount] : theirs.captured) both[{"sales", currency}].second = amount;
    for (const auto& [currency, amount] : theirs.refunded) both[{"refunds", currency}].second = amount;
    for (const auto& [key, amounts] : both) {
        ++f.checked;
        if (amounts.first != amounts.second)
            f.add({fmt::format("total {} in {}", key.first == "sales" ? "captured" : "refunded", key.second), fmt::format("the provider's: {}", amounts.second),
                   fmt::format("our ledger's: {}", amounts.first)}, s.most);
    }
}

task<void> compare_all(const snapshot& s, pg::database& admin, payment::http_provider& provider, finding& f) {
    std::unordered_set<std::string> missing;
    for (const auto row : co_await s.tx.query(done_in_snapshot)) missing.insert(row.get<std::string>(0));
    for (std::int64_t after = 0;;) {
        const auto theirs = co_await provider.list(after, page);
        if (theirs.empty()) break;
        co_await compare_page(theirs, admin, s.quiet, s.most, f);
        for (const auto& r : theirs) missing.erase(r.key);
        after = theirs.back().sequence;
    }
    for (const auto& key : missing) f.add({"operation " + key, "an operation of the provider's, as it is done at ours", "none"}, s.most);
    if (s.quiet) co_await compare_totals(s, co_await provider.totals(), f);
}

}  // namespace

task<void> check_provider(const snapshot& s, pg::database& admin, payment::provider_options o, finding& f) {
    payment::http_provider provider(co_await asio::this_coro::executor, system_clock(), std::move(o));
    try {
        co_await compare_all(s, admin, provider, f);
    } catch (const pg::sql_error&) {
        throw;
    } catch (const failure& e) {
        f.checked = 0;
        f.violation_count = 0;
        f.violations.clear();
        f.skipped = "the provider cannot be reached: " + e.error().message;
    }
}

}  // namespace bv::verify
