// One order as each service has it, and what does not fit together. Pure. Private to verify and to the simulation.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "platform/core/uuid.hpp"
#include "verify/report.hpp"

namespace bv::verify {

// From the order's stream. Amounts are minor units.
struct order_book {
    struct line {
        std::int64_t quantity = 0, returned = 0;
        friend bool operator==(const line&, const line&) = default;
    };
    uuid id{};
    std::string customer;                  // as its first event says
    std::vector<std::string> customers;    // other ones that its events are filed under
    std::string status = "none";           // placed, reserved, authorised, confirmed, cancelled, returned
    std::map<std::string, line> lines;     // by SKU
    std::string currency;
    std::int64_t total = 0;
    std::int64_t captures = 0, refunded = 0, returned_amount = 0;
    std::vector<std::string> returns;      // ids
    bool was_confirmed = false;
    std::string unreadable;                // type of an event whose payload cannot be read

    void take(std::string_view type, const std::string& payload, const std::string& filed_under);
};

struct reservation_row {
    int status = 0;  // held, committed, released, rejected, expired
    std::map<std::string, order_book::line> lines;
};

[[nodiscard]] std::string_view reservation_status(int) noexcept;

struct payment_row {
    std::string id, status, currency;
    std::int64_t captured = 0, refunded = 0;
    std::int64_t captures = 0, captured_by_operations = 0;  // operations that succeeded, and their sum
};

struct told_row {
    int kind = 0;  // confirmed, cancelled, returned
    std::string return_id;
    std::string customer;
};

// Each gives what is wrong with a settled order.
[[nodiscard]] std::vector<violation> compare_stock(const order_book&, const reservation_row*);
[[nodiscard]] std::vector<violation> compare_payment(const order_book&, const payment_row*);
[[nodiscard]] std::vector<violation> compare_told(const order_book&, const std::vector<told_row>&);
[[nodiscard]] std::vector<violation> compare_customers(const order_book&);

}  // namespace bv::verify
