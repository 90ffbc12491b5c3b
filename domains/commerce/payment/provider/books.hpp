// The provider's books: what it was asked and what it answered, once a key. Pure: no I/O, no time of its own.
// Not thread-safe: the server keeps it on one thread.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "platform/core/clock.hpp"
#include "platform/core/error.hpp"

namespace bv::payment_provider {

enum class operation : std::uint8_t { authorise, capture, void_, refund };
[[nodiscard]] std::string_view name(operation) noexcept;  // "authorise", "capture", "void", "refund"

// How it answers; changed at run time by PUT /v1/behaviour. Rates are shares in [0, 1]; what happens to an operation
// follows from its key and the seed, so that a run can be repeated.
struct behaviour {
    double decline_rate = 0;             // of authorisations
    double duplicate_callback_rate = 0;  // of operations whose call-back comes twice
    double lost_answer_rate = 0;         // of requests that are done, and whose connection is then closed
    double error_rate = 0;               // of requests that are answered 503 and not done
    milliseconds delay{0};               // between the work and its answer…
    milliseconds jitter{0};              // …and up to this more
    milliseconds slow{800};              // …and this more for "card_slow"
    std::uint64_t seed = 1;
    friend bool operator==(const behaviour&, const behaviour&) = default;
};

// Whether something that happens at `rate` happens to this name. The same for the same seed.
[[nodiscard]] bool happens(double rate, std::uint64_t seed, std::string_view what, std::string_view name) noexcept;

struct command {
    payment_provider::operation operation = payment_provider::operation::authorise;
    std::string key;            // Idempotency-Key: 1 to 200 of A-Z a-z 0-9 . _ : -
    std::string authorisation;  // of all but authorise
    std::int64_t amount = 0;    // minor units; 0 for a void
    std::string currency;       // empty for a void
    std::string method;         // of authorise: "card_ok"
    std::string reference;      // of authorise: the merchant's own number
};

struct record {
    std::int64_t sequence = 0;  // 1, 2, 3… without gaps
    command asked;
    std::string authorisation;  // that it made or concerns
    bool done = false;
    std::string reason;         // why not: "insufficient_funds"
    time_point time;
};

struct totals {
    std::map<std::string, std::int64_t> captured, refunded;  // minor units by currency
};

class books {
public:
    // The record of a key, nullptr when it was never seen. Records stay where they are.
    [[nodiscard]] const record* find(std::string_view key) const noexcept;
    // What the command comes to, not yet in the books. A key that is known gives its record again; with another command
    // INVALID_ARGUMENT "IDEMPOTENCY_KEY_REUSED". NOT_FOUND "UNKNOWN_AUTHORISATION".
    [[nodiscard]] result<record> decide(const command&, const behaviour&, time_point) const;
    // Takes the next record, decided here or read from the journal. False when it does not follow from the books.
    bool apply(record);

    // By sequence, after it.
    [[nodiscard]] std::vector<const record*> list(std::int64_t after, std::size_t limit, std::int64_t until) const;
    [[nodiscard]] payment_provider::totals totals() const { return totals_; }
    [[nodiscard]] std::int64_t last() const noexcept { return static_cast<std::int64_t>(records_.size()); }
    // "card_slow" and the like: of the authorisation that the command makes or concerns.
    [[nodiscard]] std::string method_of(const command&) const;

private:
    enum class hold : std::uint8_t { open, captured, released };
    struct authorisation {
        std::string currency, method;
        std::int64_t amount = 0, captured = 0, refunded = 0;
        hold state = hold::open;
    };
    [[nodiscard]] std::string refusal(const command&, const authorisation&) const;

    std::deque<record> records_;
    std::unordered_map<std::string_view, const record*> by_key_;
    std::unordered_map<std::string, authorisation> authorisations_;
    payment_provider::totals totals_;
};

}  // namespace bv::payment_provider
