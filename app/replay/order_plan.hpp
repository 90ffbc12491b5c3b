// An invoice as orders: lines of one SKU merged, split where there are more lines than an order takes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "app/replay/online_retail.hpp"

namespace bv::replay {

inline constexpr std::size_t max_order_lines = 1'200;

struct planned_line {
    std::string sku;
    std::int64_t quantity = 0;
    friend bool operator==(const planned_line&, const planned_line&) = default;
};

struct order_draft {
    std::string reference;            // "536365"; "536365/2" for a second part
    std::string customer;
    time_point date{};
    std::vector<planned_line> lines;
    std::int64_t invoice_minor = 0;   // what the invoice says they cost
    bool declined = false;            // paid with a card that is declined
};

// The file's references for the parts of an invoice: the first has the invoice's number.
[[nodiscard]] std::string part_reference(std::string_view invoice_number, std::size_t part);

// earlier_parts: how many orders were made of this invoice number before, as when its lines do not stand together in the file.
// decline_rate: share of [0, 1], decided by the reference alone so that every run decides alike.
[[nodiscard]] std::vector<order_draft> plan_orders(const invoice&, std::size_t earlier_parts, double decline_rate, std::size_t max_lines = max_order_lines);

// The quantities of a return, merged per SKU in the order they appear.
[[nodiscard]] std::vector<planned_line> merged_lines(const invoice&);

}  // namespace bv::replay
