#include <algorithm>
#include <array>
#include <span>

#include <fmt/format.h>

#include "domains/commerce/notification/model/letter.hpp"
#include "domains/commerce/notification/model/notice.hpp"
#include "platform/core/assert.hpp"
#include "platform/core/embed.hpp"

namespace bv::notification {

std::span<const bv::embedded_file> template_files();

namespace {

constexpr std::size_t longest_detail = 300;  // bytes
constexpr std::size_t most_items = 20;

using value = std::pair<std::string_view, std::string>;

letter fill_in_file(std::string_view name, placeholder_values values) {
    const auto files = template_files();
    const auto it = std::ranges::find(files, name, &embedded_file::name);
    BV_ASSERT(it != files.end());
    return fill_in(it->text, values);
}

std::string_view template_of(cancel_reason reason) {
    switch (reason) {
        case cancel_reason::unspecified: return "order_cancelled.txt";
        case cancel_reason::customer_request: return "order_cancelled_customer_request.txt";
        case cancel_reason::out_of_stock: return "order_cancelled_out_of_stock.txt";
        case cancel_reason::payment_declined: return "order_cancelled_payment_declined.txt";
        case cancel_reason::timed_out: return "order_cancelled_timed_out.txt";
        case cancel_reason::capture_failed: return "order_cancelled_capture_failed.txt";
        case cancel_reason::reservation_expired: return "order_cancelled_reservation_expired.txt";
    }
    return "order_cancelled.txt";
}

// One line of bounded length: a customer's own note may be in it.
std::string one_line(std::string text) {
    if (text.size() > longest_detail) {
        auto end = longest_detail;
        while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;  // not inside a character
        text.resize(end);
        text += "…";
    }
    std::ranges::replace_if(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }, ' ');
    return text;
}

std::string list_of(const std::vector<returned_item>& items) {
    std::string out;
    for (std::size_t i = 0; i < std::min(items.size(), most_items); ++i)
        out += fmt::format("{}  {} x {}", i == 0 ? "" : "\n", items[i].quantity, items[i].sku);
    if (items.size() > most_items) out += fmt::format("\n  and {} more", items.size() - most_items);
    return out;
}

letter letter_of(order_id order, const confirmed& c) {
    const std::array values{value{"order", order.str()}, value{"ordered_on", rfc3339(c.ordered_at).substr(0, 10)}, value{"total", c.total.str()}};
    return fill_in_file("order_confirmed.txt", values);
}
letter letter_of(order_id order, const cancelled& c) {
    const std::array values{value{"order", order.str()}, value{"total", c.total.str()}, value{"detail", one_line(c.detail)}};
    return fill_in_file(template_of(c.reason), values);
}
letter letter_of(order_id order, const returned& r) {
    const std::array values{value{"order", order.str()}, value{"return", r.return_id}, value{"amount", r.amount.str()}, value{"items", list_of(r.items)}};
    return fill_in_file("order_returned.txt", values);
}

notice_kind kind_of(const confirmed&) { return notice_kind::confirmed; }
notice_kind kind_of(const cancelled&) { return notice_kind::cancelled; }
notice_kind kind_of(const returned&) { return notice_kind::returned; }

}  // namespace

notice_id id_of(order_id order, notice_kind kind, std::string_view return_id) {
    return {uuid::named(fmt::format("notification {} {} {}", order.str(), static_cast<int>(kind), return_id))};
}

notice tell(const outcome& o) {
    const auto kind = std::visit([](const auto& what) { return kind_of(what); }, o.what);
    const auto* r = std::get_if<returned>(&o.what);
    BV_ASSERT(!r || !r->return_id.empty());
    auto l = std::visit([&](const auto& what) { return letter_of(o.order, what); }, o.what);
    auto return_id = r ? r->return_id : std::string{};
    const auto id = id_of(o.order, kind, return_id);
    return {id, o.customer, o.order, kind, std::move(return_id), std::move(l.subject), std::move(l.text), o.at};
}

}  // namespace bv::notification
