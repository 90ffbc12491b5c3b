#include "domains/commerce/payment/model/ledger.hpp"

#include "platform/core/assert.hpp"

namespace bv::payment {
namespace {

ledger_transaction book(std::string_view key, uuid payment, money amount, std::string_view debit, std::string_view credit,
                        std::string_view description) {
    BV_ASSERT(amount.minor > 0);
    ledger_transaction t{uuid::named("ledger:" + std::string(key)), payment, amount.currency, std::string(description),
                         {{std::string(debit), amount.minor}, {std::string(credit), -amount.minor}}};
    BV_ASSERT(balanced(t));
    return t;
}

}  // namespace

ledger_transaction book_capture(std::string_view key, uuid payment, money amount) {
    return book(key, payment, amount, account::provider_clearing, account::sales, "capture");
}

ledger_transaction book_refund(std::string_view key, uuid payment, money amount) {
    return book(key, payment, amount, account::refunds, account::provider_clearing, "refund");
}

bool balanced(const ledger_transaction& t) noexcept {
    std::int64_t sum = 0;
    for (const auto& p : t.postings) {
        if (__builtin_add_overflow(sum, p.amount, &sum)) return false;
    }
    return sum == 0 && t.postings.size() >= 2;
}

}  // namespace bv::payment
