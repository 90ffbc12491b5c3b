// Double-entry postings: every transaction sums to zero. Positive is debit, negative is credit.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "platform/core/money.hpp"
#include "platform/core/uuid.hpp"

namespace bv::payment {

namespace account {
inline constexpr std::string_view provider_clearing = "provider_clearing";  // what the provider owes us
inline constexpr std::string_view sales = "sales";
inline constexpr std::string_view refunds = "refunds";
}  // namespace account

struct posting {
    std::string account;
    std::int64_t amount = 0;  // minor units of the transaction's currency
    friend bool operator==(const posting&, const posting&) = default;
};

struct ledger_transaction {
    uuid id;       // derived from the operation that it books, so that none is booked twice
    uuid payment;
    bv::currency currency;
    std::string description;
    std::vector<posting> postings;
    friend bool operator==(const ledger_transaction&, const ledger_transaction&) = default;
};

// The transaction of an operation (named by its idempotency key) at the provider. amount > 0.
[[nodiscard]] ledger_transaction book_capture(std::string_view operation_key, uuid payment, money amount);
[[nodiscard]] ledger_transaction book_refund(std::string_view operation_key, uuid payment, money amount);

[[nodiscard]] bool balanced(const ledger_transaction&) noexcept;

}  // namespace bv::payment
