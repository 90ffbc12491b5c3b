#include "domains/commerce/payment/adapters/postgres_rows.hpp"

#include <map>

namespace bv::payment {
namespace {

constexpr pg::statement refunds_sql{"payment.refunds", R"(
    SELECT payment_id, id, amount_minor, state
      FROM payment.refunds
     WHERE payment_id = ANY($1::uuid[])
     ORDER BY payment_id, created_at, id)"};

[[noreturn]] void damaged(std::string_view what) {
    throw failure(code::data_loss, "UNREADABLE_ROW", "schema payment holds an unknown " + std::string(what));
}

}  // namespace

bv::currency to_currency(std::string_view text) {
    if (text == bv::currency{}.code()) return {};  // of a payment that was voided before it was requested
    const auto c = currency::parse(text);
    if (!c) damaged("currency");
    return *c;
}

stored_payment to_stored_payment(pg::row r, bool& has_refunds) {
    stored_payment s;
    auto& p = s.value;
    p.id = r.get<payment_id>(0);
    p.order = r.get<order_id>(1);
    p.customer = r.get<std::optional<customer_id>>(2);
    const auto status = parse_payment_status(r.get<std::string_view>(3));
    if (!status) damaged("status");
    p.status = *status;
    p.amount = {r.get<std::int64_t>(5), to_currency(r.get<std::string_view>(4))};
    p.captured = r.get<std::int64_t>(6);
    p.refunded = r.get<std::int64_t>(7);
    p.wanted_capture = r.get<std::int64_t>(8);
    p.void_wanted = r.get<bool>(9);
    p.method = r.get<std::string>(10);
    p.decline_reason = r.get<std::string>(11);
    p.provider_reference = r.get<std::string>(12);
    has_refunds = r.get<bool>(13);
    s.created = r.get<time_point>(14);
    s.updated = r.get<time_point>(15);
    return s;
}

task<void> add_refunds(pg::transaction& tx, std::vector<payment*> payments) {
    if (payments.empty()) co_return;
    std::map<payment_id, payment*> by_id;
    std::vector<payment_id> ids;
    for (auto* p : payments) {
        by_id.emplace(p->id, p);
        ids.push_back(p->id);
    }
    const auto found = co_await tx.query(refunds_sql, pg::params(ids));
    for (const auto r : found) {
        const auto state = parse_refund_state(r.get<std::string_view>(3));
        if (!state) damaged("refund state");
        by_id.at(r.get<payment_id>(0))->refunds.push_back({r.get<std::string>(1), r.get<std::int64_t>(2), *state});
    }
}

}  // namespace bv::payment
