#include "domains/commerce/payment/model/payment.hpp"

#include <algorithm>
#include <array>

namespace bv::payment {
namespace {

constexpr std::array<std::string_view, 10> status_names{"",       "authorising", "authorised", "declined", "capturing",
                                                        "captured", "voiding",   "voided",     "refunded", "capture_failed"};
constexpr std::array<std::string_view, 3> refund_names{"requested", "settled", "refused"};

template <class Enum, std::size_t N>
std::optional<Enum> parse(const std::array<std::string_view, N>& names, std::string_view text) noexcept {
    const auto at = std::find(names.begin(), names.end(), text);
    if (text.empty() || at == names.end()) return std::nullopt;
    return static_cast<Enum>(at - names.begin());
}

}  // namespace

payment_id payment_of(order_id order) { return {uuid::named("payment:" + order.str())}; }

std::string_view name(payment_status s) noexcept { return status_names[static_cast<std::size_t>(s)]; }
std::optional<payment_status> parse_payment_status(std::string_view t) noexcept { return parse<payment_status>(status_names, t); }

std::string_view name(refund_state s) noexcept { return refund_names[static_cast<std::size_t>(s)]; }
std::optional<refund_state> parse_refund_state(std::string_view t) noexcept { return parse<refund_state>(refund_names, t); }

std::int64_t payment::refundable() const noexcept {
    std::int64_t left = captured;
    for (const auto& r : refunds) {
        if (r.state != refund_state::refused) left -= r.amount;
    }
    return left;
}

const refund* payment::find_refund(std::string_view refund_id) const noexcept {
    const auto at = std::find_if(refunds.begin(), refunds.end(), [&](const refund& r) { return r.id == refund_id; });
    return at == refunds.end() ? nullptr : &*at;
}

std::string_view broken_invariant(const payment& p) noexcept {
    std::int64_t settled = 0;
    for (const auto& r : p.refunds) {
        if (r.amount < 0) return "a refund is negative";
        if (r.state == refund_state::settled) settled += r.amount;
    }
    if (settled != p.refunded) return "refunded is not the sum of the settled refunds";
    if (p.captured < 0 || p.captured > p.amount.minor) return "captured is not within the amount";
    if (p.refunded > p.captured) return "more is refunded than was captured";
    const bool taken = p.status == payment_status::captured || p.status == payment_status::refunded;
    if (!taken && p.captured != 0) return "captured in a status that takes nothing";
    if (p.status == payment_status::refunded && p.refunded != p.captured) return "refunded but not all of it";
    if (taken && p.refundable() < 0) return "more refunds are under way than was captured";
    return {};
}

}  // namespace bv::payment
