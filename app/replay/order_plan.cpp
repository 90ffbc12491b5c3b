#include "app/replay/order_plan.hpp"

#include <algorithm>
#include <unordered_map>

#include <fmt/format.h>

namespace bv::replay {

namespace {

// Merged lines and what each costs at the invoice's prices.
struct merged {
    std::vector<planned_line> lines;
    std::vector<std::int64_t> minor;
};

merged merge(const invoice& i) {
    merged out;
    std::unordered_map<std::string_view, std::size_t> where;
    for (const auto& l : i.lines) {
        const auto [at, is_new] = where.try_emplace(l.sku, out.lines.size());
        if (is_new) {
            out.lines.push_back({l.sku, 0});
            out.minor.push_back(0);
        }
        out.lines[at->second].quantity += l.quantity;
        out.minor[at->second] += l.quantity * l.price_minor;
    }
    return out;
}

// FNV-1a, finished as in splitmix64 so that near numbers fall far apart; as a share of [0, 1).
double share_of(std::string_view text) noexcept {
    std::uint64_t h = 0xcbf29ce484222325;
    for (const char c : text) h = (h ^ static_cast<unsigned char>(c)) * 0x100000001b3;
    h = (h ^ (h >> 30)) * 0xbf58476d1ce4e5b9;
    h = (h ^ (h >> 27)) * 0x94d049bb133111eb;
    h ^= h >> 31;
    return static_cast<double>(h >> 11) * 0x1.0p-53;
}

}  // namespace

std::string part_reference(std::string_view invoice_number, std::size_t part) {
    return part == 0 ? std::string(invoice_number) : fmt::format("{}/{}", invoice_number, part + 1);
}

std::vector<order_draft> plan_orders(const invoice& i, std::size_t earlier_parts, double decline_rate, std::size_t max_lines) {
    const auto all = merge(i);
    std::vector<order_draft> out;
    for (std::size_t from = 0; from < all.lines.size(); from += max_lines) {
        const auto to = std::min(all.lines.size(), from + max_lines);
        order_draft d{part_reference(i.number, earlier_parts + out.size()), i.customer, i.date, {}, 0, false};
        d.lines.assign(all.lines.begin() + static_cast<std::ptrdiff_t>(from), all.lines.begin() + static_cast<std::ptrdiff_t>(to));
        for (auto l = from; l < to; ++l) d.invoice_minor += all.minor[l];
        d.declined = share_of(d.reference) < decline_rate;
        out.push_back(std::move(d));
    }
    return out;
}

std::vector<planned_line> merged_lines(const invoice& i) { return merge(i).lines; }

}  // namespace bv::replay
