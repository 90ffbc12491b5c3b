#include "domains/commerce/payment/model/decide.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "platform/core/assert.hpp"

namespace bv::payment {
namespace {

using enum payment_status;

constexpr std::array<std::string_view, 4> kind_names{"authorise", "capture", "void", "refund"};

decision ignore(const payment& p, std::string_view why) { return {.next = p, .ignored = why}; }

void ask(decision& d, operation_kind kind, std::int64_t amount, std::string_view refund_id = {}) {
    d.operations.push_back({d.next.id, kind, operation_key(d.next.id, kind, refund_id), amount, std::string(refund_id)});
}

void refuse_waiting_refunds(payment& p) {
    for (auto& r : p.refunds) {
        if (r.state == refund_state::requested) r.state = refund_state::refused;
    }
}

void start_void(decision& d) {
    refuse_waiting_refunds(d.next);
    d.next.wanted_capture = 0;
    d.next.status = voiding;
    d.next.void_wanted = false;
    ask(d, operation_kind::void_, 0);
}

void start_capture(decision& d, std::int64_t amount) {
    d.next.status = capturing;
    d.next.wanted_capture = 0;
    ask(d, operation_kind::capture, amount);
}

// The refund of a void: its id follows from the payment and from how many there were, so that a void after one that the
// provider refused is another refund, under a key of its own.
std::string next_void_refund(const payment& p) {
    for (int n = 0;; ++n) {
        auto id = uuid::named("void-refund:" + p.id.str() + (n == 0 ? "" : ":" + std::to_string(n))).str();
        if (!p.find_refund(id)) return id;
    }
}

// Gives back all that is neither given back nor about to be: a second void while the first is in hand finds nothing left.
void refund_rest(decision& d) {
    const auto left = d.next.refundable();
    d.next.void_wanted = false;
    if (left <= 0) return;
    const auto id = next_void_refund(d.next);
    d.next.refunds.push_back({id, left, refund_state::requested});
    ask(d, operation_kind::refund, left, id);
}

// Refunds that were asked for before the capture was known.
void start_waiting_refunds(decision& d) {
    auto left = d.next.captured;
    for (auto& r : d.next.refunds) {
        if (r.state != refund_state::requested) continue;
        if (r.amount > left) {
            r.state = refund_state::refused;
            continue;
        }
        left -= r.amount;
        ask(d, operation_kind::refund, r.amount, r.id);
    }
}

decision on(const payment& p, const capture_request& r) {
    const bool fits = r.amount.currency == p.amount.currency && r.amount.minor >= 0 && r.amount.minor <= p.amount.minor;
    switch (p.status) {
        case authorising: {
            if (!fits || p.void_wanted) return ignore(p, "a capture of a payment that is not authorised yet, and cannot be done later");
            decision d{.next = p};
            d.next.wanted_capture = r.amount.minor;
            return d;
        }
        case authorised: {
            decision d{.next = p};
            if (fits) {
                start_capture(d, r.amount.minor);
            } else {
                // Taking more than was agreed would be a theft: nothing is taken, and the hold is let go.
                d.announcements.push_back(told::capture_failed{"amount_not_authorised"});
                start_void(d);
            }
            return d;
        }
        case declined:
        case voiding:
        case voided:
        case refunded:
        case capture_failed:
        case capturing:
        case captured:
            return ignore(p, "a capture that was done, is being done, or can no longer be done");
    }
    BV_ASSERT(false);
}

decision on(const payment& p, const void_request&) {
    decision d{.next = p};
    switch (p.status) {
        case authorising:
        case capturing:
            if (p.void_wanted) return ignore(p, "a void that is remembered already");
            d.next.void_wanted = true;
            return d;
        case authorised:
            start_void(d);
            return d;
        case captured:
            if (p.captured == 0) {  // an order for nothing
                d.next.status = voided;
                d.announcements.push_back(told::voided{});
                return d;
            }
            if (p.refundable() <= 0) return ignore(p, "a void of a payment whose money is on its way back");
            refund_rest(d);
            return d;
        case declined:
        case voiding:
        case voided:
        case refunded:
        case capture_failed:
            return ignore(p, "a void of a payment that holds nothing");
    }
    BV_ASSERT(false);
}

decision on(const payment& p, const refund_request& r) {
    if (p.find_refund(r.id)) return ignore(p, "a refund that is known already");
    decision d{.next = p};
    auto& made = d.next.refunds.emplace_back(r.id, std::max<std::int64_t>(r.amount.minor, 0), refund_state::refused);
    if (r.amount.currency != p.amount.currency || r.amount.minor <= 0) return d;
    switch (p.status) {
        case capturing:
        case authorised:
        case authorising:
            made.state = refund_state::requested;
            return d;
        case captured:
            if (r.amount.minor > p.refundable()) return d;
            made.state = refund_state::requested;
            ask(d, operation_kind::refund, r.amount.minor, r.id);
            return d;
        case declined:
        case voiding:
        case voided:
        case refunded:
        case capture_failed:
            return d;
    }
    BV_ASSERT(false);
}

decision on_authorise(const payment& p, const outcome& o) {
    if (p.status != authorising) return ignore(p, "an authorisation that is known already");
    decision d{.next = p};
    if (!o.done) {
        d.next.status = declined;
        d.next.decline_reason = o.reason;
        d.next.wanted_capture = 0;
        d.next.void_wanted = false;
        refuse_waiting_refunds(d.next);
        d.announcements.push_back(told::declined{o.reason});
        return d;
    }
    d.next.status = authorised;
    d.next.provider_reference = o.reference;
    d.announcements.push_back(told::authorised{p.amount});
    if (p.void_wanted) {
        start_void(d);
    } else if (p.wanted_capture > 0) {
        start_capture(d, p.wanted_capture);
    }
    return d;
}

decision on_capture(const payment& p, const operation& done, const outcome& o) {
    if (p.status != capturing) return ignore(p, "a capture that is known already");
    decision d{.next = p};
    if (!o.done) {
        d.next.status = capture_failed;
        d.next.decline_reason = o.reason;
        refuse_waiting_refunds(d.next);
        d.announcements.push_back(told::capture_failed{o.reason});
        // Whoever asked for the void waits for its answer.
        if (std::exchange(d.next.void_wanted, false)) d.announcements.push_back(told::voided{});
        return d;
    }
    d.next.status = captured;
    d.next.captured = done.amount;
    const money taken{done.amount, p.amount.currency};
    if (taken.minor > 0) d.bookings.push_back(book_capture(done.key, p.id.value, taken));
    d.announcements.push_back(told::captured{taken});
    start_waiting_refunds(d);
    if (p.void_wanted) refund_rest(d);
    return d;
}

decision on_void(const payment& p, const outcome& o) {
    if (p.status != voiding) return ignore(p, "a void that is known already");
    if (!o.done) return ignore(p, "the provider refuses to void");
    decision d{.next = p};
    d.next.status = voided;
    d.announcements.push_back(told::voided{});
    return d;
}

decision on_refund(const payment& p, const operation& done, const outcome& o) {
    decision d{.next = p};
    const auto at = std::find_if(d.next.refunds.begin(), d.next.refunds.end(), [&](const refund& r) { return r.id == done.refund_id; });
    if (at == d.next.refunds.end() || at->state != refund_state::requested) return ignore(p, "a refund that is known already");
    if (!o.done) {
        at->state = refund_state::refused;
        return d;
    }
    at->state = refund_state::settled;
    d.next.refunded += at->amount;
    const money given{at->amount, p.amount.currency};
    d.bookings.push_back(book_refund(done.key, p.id.value, given));
    d.announcements.push_back(told::refunded{at->id, given});
    if (d.next.refunded == d.next.captured) d.next.status = refunded;
    return d;
}

decision checked(decision d) {
    BV_ASSERT(broken_invariant(d.next).empty());
    return d;
}

}  // namespace

std::string_view name(operation_kind k) noexcept { return kind_names[static_cast<std::size_t>(k)]; }

std::optional<operation_kind> parse_operation_kind(std::string_view text) noexcept {
    const auto at = std::find(kind_names.begin(), kind_names.end(), text);
    if (at == kind_names.end()) return std::nullopt;
    return static_cast<operation_kind>(at - kind_names.begin());
}

std::string operation_key(payment_id id, operation_kind kind, std::string_view refund_id) {
    std::string key(name(kind));
    key += ':';
    key += id.str();
    if (kind == operation_kind::refund) {
        key += ':';
        key += refund_id;
    }
    return key;
}

decision open(const payment_request& r) {
    decision d{.next = {.id = payment_of(r.order), .order = r.order, .customer = r.customer, .amount = r.amount, .method = r.method}};
    if (r.amount.minor < 0) {
        d.next.amount.minor = 0;
        d.next.status = declined;
        d.next.decline_reason = "invalid_amount";
        d.announcements.push_back(told::declined{d.next.decline_reason});
        return d;
    }
    ask(d, operation_kind::authorise, r.amount.minor);
    return checked(std::move(d));
}

decision void_unseen(order_id order) {
    decision d{.next = {.id = payment_of(order), .order = order, .status = voided}};
    d.announcements.push_back(told::voided{});
    return d;
}

decision decide(const payment& p, const request& r) {
    return checked(std::visit([&](const auto& x) { return on(p, x); }, r));
}

decision decide(const payment& p, const operation& done, const outcome& o) {
    BV_ASSERT(done.payment == p.id);
    switch (done.kind) {
        case operation_kind::authorise:
            return checked(on_authorise(p, o));
        case operation_kind::capture:
            return checked(on_capture(p, done, o));
        case operation_kind::void_:
            return checked(on_void(p, o));
        case operation_kind::refund:
            return checked(on_refund(p, done, o));
    }
    BV_ASSERT(false);
}

}  // namespace bv::payment
