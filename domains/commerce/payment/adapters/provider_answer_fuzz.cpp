// What a payment provider may answer. The status and Retry-After are the first line: "429 7".
#include <charconv>

#include "domains/commerce/payment/adapters/provider_wire.hpp"
#include "platform/testing/fuzz.hpp"

using namespace bv::payment;

namespace {

template <class T>
void check(const bv::result<T>& read) {
    if (!read) BV_ASSERT(read.error().reason == "UNREADABLE_ANSWER");
}

}  // namespace

// Nothing counts as settled that the provider did not say in so many words of this very operation.
BV_FUZZ(provider_answer) {
    const auto line = bytes.substr(0, bytes.find('\n'));
    const auto body = bytes.substr(std::min(bytes.size(), line.size() + 1));
    int status = 0;
    (void)std::from_chars(line.data(), line.data() + line.size(), status);
    const auto retry_after = line.substr(std::min(line.size(), line.find(' ')));
    for (const bool ask : {false, true})
        for (const auto kind : {operation_kind::authorise, operation_kind::capture, operation_kind::void_, operation_kind::refund}) {
            const auto answer = to_answer({.ask = ask, .key = "k:1", .kind = kind}, status, body, retry_after.substr(std::min<std::size_t>(retry_after.size(), 1)));
            BV_ASSERT(answer.key == "k:1");
            if (answer.retry_after) BV_ASSERT(*answer.retry_after >= bv::milliseconds(0) && *answer.retry_after <= bv::seconds(60));
            if (status == 0 || status >= 500) BV_ASSERT(answer.kind == answer_kind::in_doubt || answer.outcome.reason == "refused_by_provider");
            if (answer.kind == answer_kind::settled && status == 200) BV_ASSERT(body.find(name(kind)) != body.npos || body.find('\\') != body.npos);
            if (answer.kind == answer_kind::not_seen) BV_ASSERT(ask && status == 404);
        }
    check(parse_totals(body));
    const auto records = parse_records(body);
    const auto keys = parse_keys(body);
    check(records);
    BV_ASSERT(records.has_value() == keys.has_value() && (!keys || keys->size() == records->size()));
    for (std::size_t i = 0; keys && i < keys->size(); ++i) BV_ASSERT(!(*keys)[i].empty() && (*records)[i].key == (*keys)[i]);
}
