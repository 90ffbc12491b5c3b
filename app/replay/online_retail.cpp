#include "app/replay/online_retail.hpp"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "app/replay/csv.hpp"
#include "platform/core/error.hpp"
#include "platform/core/money.hpp"

namespace bv::replay {

namespace {

enum column { invoice_no, stock_code, description, quantity, invoice_date, unit_price, customer_id, country, columns };
constexpr std::array<std::string_view, columns> names{"InvoiceNo", "StockCode", "Description", "Quantity",
                                                      "InvoiceDate", "UnitPrice", "CustomerID", "Country"};

std::array<std::size_t, columns> read_header(csv_reader& csv, const std::filesystem::path& path) {
    std::vector<std::string> header;
    csv.next(header);
    if (!header.empty() && header[0].starts_with("\xEF\xBB\xBF")) header[0].erase(0, 3);
    std::array<std::size_t, columns> where{};
    std::vector<std::string_view> lacking;
    for (std::size_t i = 0; i < columns; ++i) {
        const auto it = std::ranges::find(header, names[i]);
        if (it == header.end()) lacking.push_back(names[i]);
        else where[i] = static_cast<std::size_t>(it - header.begin());
    }
    if (!lacking.empty())
        throw failure(code::invalid_argument, "NOT_ONLINE_RETAIL",
                      fmt::format("{}: the header lacks {}; it must name the columns {}", path.string(), fmt::join(lacking, ", "), fmt::join(names, ",")));
    return where;
}

std::string trimmed(std::string s) {
    const auto space = [](char c) { return c == ' ' || c == '\t'; };
    s.erase(std::find_if_not(s.rbegin(), s.rend(), space).base(), s.end());
    s.erase(s.begin(), std::ranges::find_if_not(s, space));
    return s;
}

std::optional<std::int64_t> integer(std::string_view text) {
    std::int64_t v = 0;
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), v);
    if (ec != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return v;
}

// Prices of half a penny and less than that exist in the file ("0.001"): rounded to the penny, and refused when that is 0.
std::optional<std::int64_t> pence(std::string_view text) {
    const bool negative = text.starts_with('-');
    if (negative) text.remove_prefix(1);
    const auto dot = text.find('.');
    std::string whole(text.substr(0, dot));
    std::string fraction(dot == std::string_view::npos ? "" : text.substr(dot + 1));
    if (fraction.size() > 9 || whole.size() > 12 || whole.empty()) return std::nullopt;
    fraction.resize(3, '0');
    const auto w = integer(whole), f = integer(std::string_view(fraction).substr(0, 3));
    if (!w || !f || *w < 0 || *f < 0) return std::nullopt;
    const auto minor = *w * 100 + (*f + 5) / 10;
    return negative ? -minor : minor;
}

struct parsed_line {
    invoice_line line;
    std::string number, customer, country;
    time_point date{};
};

std::optional<unusable> read_line(std::vector<std::string>& f, const std::array<std::size_t, columns>& where, parsed_line& out, std::string& detail) {
    const auto width = *std::ranges::max_element(where) + 1;
    if (f.size() < width) {
        detail = fmt::format("{} columns instead of {}", f.size(), width);
        return unusable::malformed;
    }
    const auto take = [&](column c) { return trimmed(std::move(f[where[c]])); };
    out.number = take(invoice_no);
    out.customer = take(customer_id);
    out.country = take(country);
    out.line.sku = to_sku(take(stock_code));
    out.line.description = take(description);
    const auto count_text = take(quantity), price_text = take(unit_price), date_text = take(invoice_date);
    const auto count = integer(count_text);
    const auto price = pence(price_text);
    const auto date = parse_rfc3339(date_text);
    if (out.number.empty() || out.line.sku.empty() || !count || !price || !date) {
        detail = fmt::format("invoice \"{}\": Quantity \"{}\", UnitPrice \"{}\" or InvoiceDate \"{}\" does not read", out.number, count_text, price_text, date_text);
        return unusable::malformed;
    }
    detail = "invoice " + out.number;
    if (out.number[0] == 'A') return unusable::adjustment;
    const bool is_return = out.number[0] == 'C';
    out.line.quantity = is_return ? -*count : *count;
    out.line.price_minor = *price;
    out.date = *date;
    if (out.customer.empty()) return unusable::no_customer;
    if (out.line.description.empty()) return unusable::no_description;
    if (*price <= 0) return unusable::price_not_positive;
    if (out.line.quantity <= 0) return unusable::quantity_not_positive;
    return std::nullopt;
}

}  // namespace

const char* describe(unusable u) noexcept {
    switch (u) {
        case unusable::malformed: return "does not read";
        case unusable::adjustment: return "adjustment (A… invoice)";
        case unusable::no_customer: return "no customer";
        case unusable::no_description: return "no description";
        case unusable::price_not_positive: return "price not above 0";
        case unusable::quantity_not_positive: return "quantity not above 0 on a sale";
        case unusable::count_: break;
    }
    return "";
}

std::string to_sku(std::string_view stock_code) {
    std::string out(stock_code);
    for (char& c : out) {
        const bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-' || c == '_' || c == '.';
        if (!plain) c = '-';
    }
    if (!out.empty() && (out[0] == '-' || out[0] == '_' || out[0] == '.')) out.insert(out.begin(), 'x');
    return out.substr(0, 64);
}

file_counts read_invoices(const std::filesystem::path& path, const std::function<bool(invoice&&)>& on_invoice,
                          const std::function<void(const rejected_line&)>& on_rejected,
                          const std::function<void(std::uint64_t)>& on_progress) {
    const auto source = text_source::open(path);
    csv_reader csv(*source);
    const auto where = read_header(csv, path);
    file_counts counts;
    invoice current;
    const auto flush = [&] {
        const bool go_on = current.lines.empty() || on_invoice(std::move(current));
        current = {};
        return go_on;
    };
    std::vector<std::string> fields;
    while (csv.next(fields)) {
        ++counts.lines;
        if (on_progress && counts.lines % 1024 == 0) on_progress(source->consumed());
        parsed_line p;
        std::string detail;
        if (csv.broken()) detail = "a quoted field is not closed at the end of the file";
        const auto why = csv.broken() ? std::optional(unusable::malformed) : read_line(fields, where, p, detail);
        if (why) {
            ++counts.rejected[static_cast<std::size_t>(*why)];
            if (on_rejected) on_rejected({csv.line(), *why, detail});
            continue;
        }
        ++counts.usable;
        if (p.number != current.number || p.customer != current.customer) {
            if (!flush()) return counts;
            current.number = std::move(p.number);
            current.customer = std::move(p.customer);
            current.country = std::move(p.country);
            current.date = p.date;
            current.is_return = current.number[0] == 'C';
        }
        p.line.line = csv.line();
        current.lines.push_back(std::move(p.line));
    }
    flush();
    return counts;
}

}  // namespace bv::replay
