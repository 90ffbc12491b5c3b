// The table a replay ends with.
#include <iterator>

#include <fmt/format.h>

#include "app/replay/report.hpp"

namespace bv::replay {

namespace {

class table {
public:
    void heading(std::string_view text) { fmt::format_to(std::back_inserter(out_), "\n{}\n", text); }
    void row(std::string_view name, std::string_view value, std::string_view note = {}) {
        fmt::format_to(std::back_inserter(out_), "  {:<34} {:>18}", name, value);
        if (!note.empty()) fmt::format_to(std::back_inserter(out_), "  {}", note);
        out_ += '\n';
    }
    void row(std::string_view name, std::uint64_t value, std::string_view note = {}) { row(name, grouped(static_cast<std::int64_t>(value)), note); }
    void text(std::string_view line) { fmt::format_to(std::back_inserter(out_), "  {}\n", line); }
    [[nodiscard]] std::string str() const { return out_; }

private:
    std::string out_;
};

std::string ms(std::chrono::nanoseconds d) { return fmt::format("{:.1f} ms", std::chrono::duration<double, std::milli>(d).count()); }
std::string mib(std::int64_t bytes) { return bytes == 0 ? "unknown" : fmt::format("{:.0f} MiB", static_cast<double>(bytes) / 1'048'576.0); }
double in_seconds(std::chrono::nanoseconds d) { return std::chrono::duration<double>(d).count(); }

void lines_of_file(table& t, const run_result& r, const rejected_lines& rejected) {
    t.heading(r.file.filename().string());
    t.row("lines", r.lines.lines);
    t.row("  usable", r.lines.usable);
    for (std::size_t k = 0; k < unusable_kinds; ++k) {
        const auto why = static_cast<unusable>(k);
        if (rejected.count(why) > 0) t.row(fmt::format("  {}", describe(why)), rejected.count(why), "lines " + rejected.first_lines(why) + (rejected.count(why) > 5 ? ", …" : ""));
    }
    t.row("invoices: sales", r.found.sales);
    t.row("invoices: returns", r.found.returns);
    if (r.taken > 0) t.row("  taken (--limit)", r.taken);
    t.row("SKUs sold", r.found.products.size(), fmt::format("{} new, {} changed", r.brought.products_created, r.brought.products_updated));
    t.row("customers", r.found.customers.size(), fmt::format("{} new", r.brought.accounts_created));
    if (r.brought.stock_differs) t.text("Opening stock is that of an earlier run: its quantities stay.");
    else t.row("SKUs that stock was received of", static_cast<std::uint64_t>(r.brought.stock_items_received));
}

void orders(table& t, const run_result& r, const tally& done) {
    t.heading("Orders");
    t.row("placed now", done.placed);
    t.row("placed before", done.placed_before);
    for (const auto& [reason, n] : done.refused) t.row("refused: " + reason, n);
    t.row("confirmed", r.ended.confirmed);
    for (const auto& [reason, n] : r.ended.cancelled) t.row("cancelled: " + reason, n);
    if (r.ended.unfinished > 0) t.row("not final", r.ended.unfinished);
    if (!done.split.empty()) t.row("invoices of several orders", done.split.size(), "such as " + done.split.front());
    t.row("units in confirmed orders", static_cast<std::uint64_t>(r.ended.gbp.units));
}

void returns(table& t, const run_result& r, const tally& done) {
    t.heading("Returns");
    t.row("invoices", done.returns);
    t.row("orders that lines came back of", done.return_calls, done.return_calls_before > 0 ? fmt::format("{} before", grouped(static_cast<std::int64_t>(done.return_calls_before))) : "");
    t.row("units", static_cast<std::uint64_t>(done.returned_units));
    t.row("orders returned in full", r.ended.returned_in_full);
    for (std::size_t k = 0; k < unmatched_kinds; ++k) {
        if (done.unmatched_units[k] == 0) continue;
        t.row(fmt::format("unmatched: {}", describe(static_cast<unmatched>(k))), fmt::format("{} units", grouped(done.unmatched_units[k])),
              fmt::format("of {} returns", grouped(static_cast<std::int64_t>(done.unmatched_invoices[k]))));
    }
}

void revenue(table& t, const run_result& r) {
    const auto& m = r.ended.gbp;
    const auto& d = r.ended.daily;
    t.heading("Revenue (GBP)");
    t.row("gross", pounds(m.gross_minor));
    t.row("refunded", pounds(m.refunded_minor));
    t.row("net", pounds(m.gross_minor - m.refunded_minor));
    t.row("the same orders at invoice prices", pounds(m.invoice_gross_minor), "the catalogue has one price a SKU, its most frequent");
    const bool same = d.revenue_minor == m.gross_minor && d.refunded_minor == m.refunded_minor && d.orders == static_cast<std::int64_t>(r.ended.confirmed);
    t.row("the platform's daily sales", pounds(d.revenue_minor), fmt::format("less {} refunded, {} orders: {}", pounds(d.refunded_minor), grouped(d.orders), same ? "the same" : "others' orders in these days are in it, or a difference"));
}

void speed(table& t, const run_result& r, const tally& done, const observer& watched) {
    t.heading("Speed");
    const auto s = in_seconds(r.placing);
    t.row("second pass", fmt::format("{:.1f} s", s), fmt::format("all of it {:.1f} s", in_seconds(r.whole)));
    t.row("orders a second", fmt::format("{:.0f}", s > 0 ? static_cast<double>(done.placed) / s : 0.0));
    if (done.accept.count() > 0) {
        const auto quantile = [&](double q) { return ms(std::chrono::microseconds(done.accept.quantile_us(q))); };
        t.row("accepted: p50", quantile(0.5), "from sending to the answer, repeats included");
        t.row("accepted: p90", quantile(0.9));
        t.row("accepted: p99", quantile(0.99));
        t.row("accepted: max", quantile(1));
    }
    if (watched.sagas.count() > 0) {
        const auto q = [&](double at) { return fmt::format("{:.0f} ms", watched.sagas.quantile(at) * 1000); };
        t.row("placed to final: p50", q(0.5), fmt::format("of {} sagas, by the platform's metrics", grouped(static_cast<std::int64_t>(watched.sagas.count()))));
        t.row("placed to final: p90", q(0.9));
        t.row("placed to final: p99", q(0.99));
    }
    t.row("memory: start", mib(watched.start_bytes));
    t.row("memory: peak", mib(watched.peak_bytes));
    t.row("memory: end", mib(watched.end_bytes));
    if (r.traffic.throttled > 0) t.row("asked to wait (429, 503)", r.traffic.throttled);
    if (r.traffic.lost > 0) t.row("answers lost, asked again", r.traffic.lost);
    if (r.traffic.outages > 0) t.row("times the platform was away", r.traffic.outages);
}

}  // namespace

std::string render(const run_result& r, const tally& done, const rejected_lines& rejected, const observer& watched) {
    table t;
    lines_of_file(t, r, rejected);
    orders(t, r, done);
    returns(t, r, done);
    revenue(t, r);
    speed(t, r, done, watched);
    return t.str();
}

}  // namespace bv::replay
