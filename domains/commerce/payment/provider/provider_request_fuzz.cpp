// What the development provider may be asked: the body of an operation, and of its behaviour.
#include "domains/commerce/payment/provider/wire.hpp"
#include "platform/core/money.hpp"
#include "platform/testing/fuzz.hpp"

using namespace bv::payment_provider;

namespace {

// Without these a line of the journal holds what it was given.
bool is_one_field(std::string_view text) { return text.find_first_of("\t\n") == text.npos; }

void check(const bv::error& e) { BV_ASSERT(e.code == bv::code::invalid_argument && (e.reason == "MALFORMED_BODY" || !e.violations.empty())); }

}  // namespace

BV_FUZZ(provider_request) {
    for (const auto op : {operation::authorise, operation::capture, operation::void_, operation::refund}) {
        const auto read = parse_command(op, "k:1", bytes);
        if (!read) {
            check(read.error());
            continue;
        }
        BV_ASSERT(read->operation == op && read->key == "k:1" && read->amount >= 0);
        BV_ASSERT(op == operation::void_ ? read->currency.empty() : bv::currency::parse(read->currency).has_value());
        BV_ASSERT(is_one_field(read->method) && is_one_field(read->reference) && is_one_field(read->authorisation));
    }
    const auto behaves = parse_behaviour({}, bytes);
    if (!behaves) return check(behaves.error());
    for (const double rate : {behaves->decline_rate, behaves->duplicate_callback_rate, behaves->lost_answer_rate, behaves->error_rate})
        BV_ASSERT(rate >= 0 && rate <= 1);
    BV_ASSERT(behaves->delay >= bv::milliseconds(0) && behaves->jitter >= bv::milliseconds(0) && behaves->slow <= bv::milliseconds(600'000));
    const auto again = parse_behaviour({}, to_json(*behaves));
    BV_ASSERT(again && *again == *behaves);
}
