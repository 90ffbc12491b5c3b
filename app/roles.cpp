#include "app/roles.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "platform/rpc/nearest.hpp"

namespace bv::app {

namespace {

constexpr std::string_view of_order[]{"product"}, of_notification[]{"identity"};
constexpr std::string_view of_gateway[]{"audit", "identity", "product", "inventory", "payment", "order", "notification"};
constexpr std::string_view of_identity[]{"audit"};  // before a key is forgotten
constexpr std::string_view from_identity[]{"identity"}, from_product[]{"product"}, from_order[]{"order"};
constexpr std::string_view to_order[]{"order", "inventory", "payment"};

constexpr role table[] = {
    {"audit", "the trail of changes", "audit", {}, {}},
    {"identity", "accounts, sessions, API keys", "identity", of_identity, from_identity},
    {"product", "the catalogue and its prices", "product", {}, from_product},
    {"inventory", "stock and reservations", "inventory", {}, from_order},
    {"payment", "payments and the ledger", "payment", {}, from_order},
    {"order", "orders, their saga and read models", "orders", of_order, to_order},
    {"notification", "letters to buyers", "notification", of_notification, from_order},
    {"gateway", "the edge: routes, callers, limits, idempotency keys", "gateway", of_gateway, {}},
};

std::string joined(std::span<const std::string_view> names) {
    std::string out;
    for (const auto n : names) out += (out.empty() ? "" : ", ") + std::string(n);
    return out.empty() ? "-" : out;
}

}  // namespace

std::span<const role> roles() noexcept { return table; }

std::vector<std::string> role_names() {
    std::vector<std::string> out;
    for (const auto& r : table) out.emplace_back(r.name);
    return out;
}

result<std::vector<std::string>> parse_roles(std::span<const std::string> given) {
    std::vector<std::string> wanted;
    for (std::string_view list : given) {
        while (!list.empty()) {
            const auto comma = list.find(',');
            wanted.emplace_back(list.substr(0, comma));
            list = comma == list.npos ? std::string_view{} : list.substr(comma + 1);
        }
    }
    if (wanted.empty()) return role_names();
    std::vector<std::string_view> known;
    for (const auto& r : table) known.push_back(r.name);
    for (const auto& w : wanted) {
        if (std::ranges::find(known, w) != known.end()) continue;
        const auto near = nearest(w, known);
        return fail(code::invalid_argument, "UNKNOWN_ROLE",
                    fmt::format("there is no role \"{}\"{}; bv roles lists them", w, near.empty() ? std::string{} : fmt::format(", did you mean {}?", near)));
    }
    std::vector<std::string> out;
    for (const auto n : known)
        if (std::ranges::find(wanted, n) != wanted.end()) out.emplace_back(n);
    return out;
}

std::string graph_text() {
    auto out = fmt::format("{:<14} {:<52} {}\n", "role", "calls", "consumes the events of");
    for (const auto& r : table) out += fmt::format("{:<14} {:<52} {}\n", r.name, r.calls.size() + 1 == std::size(table) ? "all others" : joined(r.calls), joined(r.follows));
    return out;
}

namespace {

constexpr int box_width = 120, box_height = 44, left = 20, column = 160, gateway_y = 20, services_y = 200, height = 380;

struct place {
    int x, y;
};

place place_of(std::string_view name) {
    const auto at = std::ranges::find(table, name, &role::name);
    const int n = static_cast<int>(at - std::begin(table));
    if (name == "gateway") return {left + column * 3, gateway_y};
    return {left + column * n, services_y};
}

std::string call_line(std::string_view from, std::string_view to) {
    const auto a = place_of(from), b = place_of(to);
    if (a.y != b.y)
        return fmt::format("  <path class=\"call\" d=\"M{} {}L{} {}\"/>\n", a.x + box_width / 2, a.y + box_height, b.x + box_width / 2, b.y);
    const int middle = (a.x + b.x + box_width) / 2;
    return fmt::format("  <path class=\"call\" d=\"M{} {}Q{} {} {} {}\"/>\n", a.x + box_width / 2 - 20, a.y, middle, a.y - 60, b.x + box_width / 2 + 20, b.y);
}

std::string event_line(std::string_view from, std::string_view to) {
    const auto a = place_of(from), b = place_of(to);
    if (from == to) return {};
    const int x1 = a.x + box_width / 2, x2 = b.x + box_width / 2, y = a.y + box_height;
    return fmt::format("  <path class=\"event\" d=\"M{} {}Q{} {} {} {}\"/>\n", x1, y, (x1 + x2) / 2, y + 90, x2, y);
}

}  // namespace

std::string graph_svg() {
    const int width = left * 2 + column * 6 + box_width;
    auto out = fmt::format(R"(<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {0} {1}" width="{0}" height="{1}" font-family="sans-serif" font-size="14">
  <title>Roles: solid lines are calls, dashed ones events</title>
  <defs><marker id="end" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" orient="auto"><path d="M0 0L8 4L0 8z"/></marker></defs>
  <style>rect{{fill:#eef3fa;stroke:#345}} path.call,path.event{{fill:none;stroke:#345;marker-end:url(#end)}} path.event{{stroke:#a50;stroke-dasharray:5 4}} text{{text-anchor:middle}}</style>
  <rect width="{0}" height="{1}" style="fill:#fff;stroke:none"/>
)", width, height);
    for (const auto& r : table) {
        for (const auto to : r.calls) out += call_line(r.name, to);
        for (const auto from : r.follows) out += event_line(from, r.name);
    }
    for (const auto& r : table) {
        const auto p = place_of(r.name);
        out += fmt::format("  <rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" rx=\"6\"/><text x=\"{}\" y=\"{}\">{}</text>\n", p.x, p.y, box_width, box_height,
                           p.x + box_width / 2, p.y + 27, r.name);
    }
    return out + "</svg>\n";
}

}  // namespace bv::app
