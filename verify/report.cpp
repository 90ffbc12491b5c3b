#include "verify/report.hpp"

#include <algorithm>

#include <boost/json.hpp>
#include <fmt/format.h>

namespace bv::verify {
namespace {

constexpr std::string_view green = "\x1b[32m", red = "\x1b[31m", grey = "\x1b[90m", plain = "\x1b[0m";

// 1234567 → "1,234,567"
std::string grouped(std::int64_t n) {
    auto digits = fmt::format("{}", n);
    for (auto at = static_cast<std::ptrdiff_t>(digits.size()) - 3; at > (n < 0 ? 1 : 0); at -= 3) digits.insert(static_cast<std::size_t>(at), ",");
    return digits;
}

std::string duration(milliseconds m) { return m.count() < 1'000 ? fmt::format("{} ms", m.count()) : fmt::format("{:.1f} s", static_cast<double>(m.count()) / 1'000); }

std::string mark(const finding& f, bool colour) {
    const std::string_view sign = !f.holds() ? "✗" : f.skipped.empty() ? "✓" : "–";
    if (!colour) return std::string(sign);
    return fmt::format("{}{}{}", !f.holds() ? red : f.skipped.empty() ? green : grey, sign, plain);
}

std::string line_of(const finding& f, bool colour) {
    if (!f.skipped.empty() && f.holds()) return fmt::format("{} {:<22} {:>12} {:>10} {:>8}  {} (not checked: {})\n", mark(f, colour), f.invariant, "", "", "", f.statement, f.skipped);
    return fmt::format("{} {:<22} {:>12} {:>10} {:>8}  {}\n", mark(f, colour), f.invariant, grouped(f.checked), f.holds() ? "" : grouped(f.violation_count),
                       duration(f.took), f.statement);
}

std::string violations_of(const finding& f) {
    if (f.holds()) return {};
    auto out = fmt::format("\n{}: {} violation{}\n", f.invariant, grouped(f.violation_count), f.violation_count == 1 ? "" : "s");
    for (const auto& v : f.violations) out += fmt::format("  {}\n    expected  {}\n    found     {}\n", v.id, v.expected, v.found);
    const auto more = f.violation_count - std::ssize(f.violations);
    if (more > 0) out += fmt::format("  … and {} more\n", grouped(more));
    return out;
}

std::string summary_of(const report& r) {
    const auto skipped = std::ranges::count_if(r.findings, [](const finding& f) { return f.holds() && !f.skipped.empty(); });
    const auto checked = std::ssize(r.findings) - skipped;
    const auto broken = std::ranges::count_if(r.findings, [](const finding& f) { return !f.holds(); });
    auto out = broken == 0 ? fmt::format("\nAll {} invariants hold", checked) : fmt::format("\n{} of {} invariants are violated", broken, checked);
    if (skipped > 0) out += fmt::format("; {} not checked", skipped);
    return out + fmt::format(" (as of {}, {}).\n", rfc3339(r.at), duration(r.took));
}

boost::json::object json_of(const finding& f) {
    boost::json::array violations;
    for (const auto& v : f.violations) violations.push_back({{"id", v.id}, {"expected", v.expected}, {"found", v.found}});
    boost::json::object out{{"id", f.invariant},   {"statement", f.statement},  {"holds", f.holds()},
                            {"checked", f.checked}, {"violation_count", f.violation_count}, {"violations", std::move(violations)},
                            {"took_ms", f.took.count()}};
    if (!f.skipped.empty()) out["skipped"] = f.skipped;
    return out;
}

}  // namespace

void finding::add(violation v, std::size_t most) {
    ++violation_count;
    if (violations.size() < most) violations.push_back(std::move(v));
}

bool report::holds() const noexcept { return std::ranges::all_of(findings, &finding::holds); }

std::int64_t report::violation_count() const noexcept {
    std::int64_t n = 0;
    for (const auto& f : findings) n += f.violation_count;
    return n;
}

const finding* report::find(std::string_view invariant) const noexcept {
    const auto it = std::ranges::find(findings, invariant, &finding::invariant);
    return it == findings.end() ? nullptr : &*it;
}

const std::vector<invariant>& all_invariants() {
    static const std::vector<invariant> all{
        {"stock.conserved", "per SKU, received less reserved and sold is available, and each is the sum of its receipts and reservations"},
        {"stock.matches_orders", "a confirmed order's stock is committed with exactly its lines, a cancelled one holds none"},
        {"ledger.balanced", "every ledger transaction and every currency sums to zero"},
        {"payments.match_orders", "a confirmed order was charged once and exactly its total, a cancelled one nets to zero, as the ledger says"},
        {"provider.agrees", "the payment provider's books equal ours, operation by operation and in total"},
        {"streams.legal", "every order's stream is gapless and a legal walk of its state machine"},
        {"projections.fold", "every read model equals the fold of its events"},
        {"events.once", "every event that a consumer has passed has exactly one effect there, and none is a dead letter"},
        {"notifications.once", "every outcome of an order was told to its buyer exactly once"},
        {"audit.complete", "every change of a tracked row is in the audit trail, whose newest image is the row"},
        {"orders.final", "no order is stuck: what is not final is within its deadline"},
    };
    return all;
}

std::string to_text(const report& r, bool colour) {
    auto out = fmt::format("  {:<22} {:>12} {:>10} {:>8}  {}\n", "invariant", "checked", "violations", "time", "what must hold");
    for (const auto& f : r.findings) out += line_of(f, colour);
    if (!r.quiet) {
        out += fmt::format("\nNot quiet ({}): ", r.under_way);
        out += fmt::format("the checks of single orders leave out {} order{} under way.\n", grouped(r.left_out), r.left_out == 1 ? "" : "s");
    }
    for (const auto& f : r.findings) out += violations_of(f);
    return out + summary_of(r);
}

std::string to_json(const report& r) {
    boost::json::array invariants;
    for (const auto& f : r.findings) invariants.push_back(json_of(f));
    return boost::json::serialize(boost::json::object{{"holds", r.holds()},
                                                      {"at", rfc3339(r.at)},
                                                      {"quiet", r.quiet},
                                                      {"under_way", r.under_way},
                                                      {"left_out", r.left_out},
                                                      {"waited_ms", r.waited.count()},
                                                      {"took_ms", r.took.count()},
                                                      {"violation_count", r.violation_count()},
                                                      {"invariants", std::move(invariants)}});
}

}  // namespace bv::verify
