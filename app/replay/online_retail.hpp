// The columns of the UCI "Online Retail" data set (D. Chen, 2015): one line of an invoice a record.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "platform/core/clock.hpp"

namespace bv::replay {

enum class unusable : std::uint8_t {
    malformed,           // wrong number of columns, or a number or date that does not read
    adjustment,          // an "A…" invoice: bad debt
    no_customer,
    no_description,
    price_not_positive,
    quantity_not_positive,  // on an invoice that is no return
    count_
};
inline constexpr std::size_t unusable_kinds = static_cast<std::size_t>(unusable::count_);
[[nodiscard]] const char* describe(unusable) noexcept;

struct invoice_line {
    std::uint64_t line = 0;        // in the file
    std::string sku;
    std::string description;
    std::int64_t quantity = 0;     // > 0, also of a return
    std::int64_t price_minor = 0;  // pence
};

struct invoice {
    std::string number;            // "536365", "C536379"
    std::string customer;          // "17850"
    std::string country;
    time_point date{};
    bool is_return = false;        // a "C…" invoice
    std::vector<invoice_line> lines;
};

struct rejected_line {
    std::uint64_t line = 0;
    unusable why{};
    std::string detail;            // the invoice, and what did not read
};

struct file_counts {
    std::uint64_t lines = 0;       // records after the header
    std::uint64_t usable = 0;
    std::array<std::uint64_t, unusable_kinds> rejected{};
};

// Streams the file's invoices in its order; lines of one invoice stand together. `on_invoice` returns false to stop.
// Throws failure INVALID_ARGUMENT "NOT_ONLINE_RETAIL" naming the columns that the header lacks.
file_counts read_invoices(const std::filesystem::path&, const std::function<bool(invoice&&)>& on_invoice,
                          const std::function<void(const rejected_line&)>& on_rejected,
                          const std::function<void(std::uint64_t bytes_consumed)>& on_progress = {});

// SKUs as the platform takes them: letters, digits, '-', '_' and '.'; others become '-': "BANK CHARGES" → "BANK-CHARGES".
// At most 64, and the first one a letter or digit: 'x' is put before any other.
[[nodiscard]] std::string to_sku(std::string_view stock_code);

}  // namespace bv::replay
