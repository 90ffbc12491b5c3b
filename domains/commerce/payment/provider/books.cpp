#include "domains/commerce/payment/provider/books.hpp"

#include <algorithm>
#include <array>

namespace bv::payment_provider {
namespace {

constexpr std::array<std::string_view, 4> operation_names{"authorise", "capture", "void", "refund"};
constexpr std::array<std::string_view, 4> good_methods{"card_ok", "card_slow", "card_lost_answer", "card_capture_fails"};

bool same(const command& a, const command& b) {
    return a.operation == b.operation && a.authorisation == b.authorisation && a.amount == b.amount && a.currency == b.currency &&
           a.method == b.method && a.reference == b.reference;
}

// Why an authorisation is declined; empty when it is not.
std::string issuer_says(const command& c, const behaviour& b) {
    if (c.method == "card_declined") return "card_declined";
    if (c.method == "card_insufficient_funds") return "insufficient_funds";
    if (std::find(good_methods.begin(), good_methods.end(), c.method) == good_methods.end()) return "unknown_payment_method";
    if (happens(b.decline_rate, b.seed, "decline", c.key)) return "declined_by_issuer";
    return {};
}

}  // namespace

std::string_view name(operation o) noexcept { return operation_names[static_cast<std::size_t>(o)]; }

bool happens(double rate, std::uint64_t seed, std::string_view what, std::string_view name) noexcept {
    if (rate <= 0) return false;
    std::uint64_t h = 0xcbf29ce484222325U ^ (seed * 0x9e3779b97f4a7c15U);  // FNV-1a, then the finaliser of MurmurHash3
    for (const auto text : {what, std::string_view("/"), name}) {
        for (const char c : text) h = (h ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
    }
    h = (h ^ (h >> 33)) * 0xff51afd7ed558ccdU;
    h = (h ^ (h >> 33)) * 0xc4ceb9fe1a85ec53U;
    h ^= h >> 33;
    return static_cast<double>(h >> 11) * 0x1.0p-53 < rate;
}

const record* books::find(std::string_view key) const noexcept {
    const auto at = by_key_.find(key);
    return at == by_key_.end() ? nullptr : at->second;
}

std::string books::refusal(const command& c, const authorisation& a) const {
    if (c.operation != operation::void_ && c.currency != a.currency) return "another_currency";
    switch (c.operation) {
        case operation::authorise:
            return {};
        case operation::capture:
            if (a.state == hold::captured) return "already_captured";
            if (a.state == hold::released || a.method == "card_capture_fails") return "authorisation_expired";
            return c.amount > a.amount ? "more_than_authorised" : "";
        case operation::void_:
            return a.state == hold::captured ? "already_captured" : "";
        case operation::refund:
            return c.amount > a.captured - a.refunded ? "more_than_captured" : "";
    }
    return "unknown_operation";
}

result<record> books::decide(const command& c, const behaviour& b, time_point now) const {
    if (const auto* known = find(c.key)) {
        if (same(known->asked, c)) return *known;
        return fail(code::invalid_argument, "IDEMPOTENCY_KEY_REUSED", "the key " + c.key + " was used for another request");
    }
    record r{.sequence = last() + 1, .asked = c, .authorisation = c.authorisation, .time = now};
    if (c.operation == operation::authorise) {
        r.authorisation = "pa_" + std::to_string(r.sequence);
        r.reason = issuer_says(c, b);
    } else {
        const auto at = authorisations_.find(c.authorisation);
        if (at == authorisations_.end())
            return fail(code::not_found, "UNKNOWN_AUTHORISATION", "there is no authorisation " + c.authorisation);
        r.reason = refusal(c, at->second);
    }
    r.done = r.reason.empty();
    return r;
}

bool books::apply(record r) {
    if (r.sequence != last() + 1 || by_key_.contains(r.asked.key)) return false;
    const auto& c = r.asked;
    if (c.operation == operation::authorise) {
        auto& a = authorisations_[r.authorisation];
        a = {c.currency, c.method, c.amount};
        if (!r.done) a.state = hold::released;
    } else {
        const auto at = authorisations_.find(r.authorisation);
        if (at == authorisations_.end()) return false;
        auto& a = at->second;
        if (c.operation == operation::capture && r.done) {
            a.state = hold::captured;
            a.captured = c.amount;
            totals_.captured[c.currency] += c.amount;
        } else if (c.operation == operation::capture && a.state == hold::open) {
            a.state = hold::released;
        } else if (c.operation == operation::void_ && r.done) {
            a.state = hold::released;
        } else if (c.operation == operation::refund && r.done) {
            a.refunded += c.amount;
            totals_.refunded[c.currency] += c.amount;
        }
    }
    const auto& kept = records_.emplace_back(std::move(r));
    by_key_.emplace(kept.asked.key, &kept);
    return true;
}

std::vector<const record*> books::list(std::int64_t after, std::size_t limit, std::int64_t until) const {
    std::vector<const record*> out;
    for (auto n = std::max<std::int64_t>(after, 0); n < std::min(last(), until) && out.size() < limit; ++n) {
        out.push_back(&records_[static_cast<std::size_t>(n)]);
    }
    return out;
}

std::string books::method_of(const command& c) const {
    if (c.operation == operation::authorise) return c.method;
    const auto at = authorisations_.find(c.authorisation);
    return at == authorisations_.end() ? std::string{} : at->second.method;
}

}  // namespace bv::payment_provider
