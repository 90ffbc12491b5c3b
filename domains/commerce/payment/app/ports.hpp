// Where the payment service's I/O crosses: its store and the payment provider.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "domains/commerce/payment/model/decide.hpp"
#include "platform/core/clock.hpp"
#include "platform/core/error.hpp"
#include "platform/core/task.hpp"
#include "platform/storage/unit_of_work.hpp"

namespace bv::payment {

enum class operation_state : std::uint8_t {
    pending,    // was never sent, or surely not handled
    in_flight,  // sent, or about to be; after its lease nobody knows: unknown
    unknown,    // may have been handled: asked for by its key before anything is sent again
    done,       // the provider's answer is known and applied
};
[[nodiscard]] std::string_view name(operation_state) noexcept;
[[nodiscard]] std::optional<operation_state> parse_operation_state(std::string_view) noexcept;

// Nobody puts an operation off for longer. What is due later than that was put off by a clock that had jumped ahead: it
// is due now.
inline constexpr std::chrono::minutes farthest_due{15};

struct new_operation {
    operation op;
    time_point due;
    std::string traceparent;  // of what caused it
    bool leased = false;      // in flight from the start: who stores it sends it after the commit. `due` is the lease's end
};

// An operation with what a call to the provider needs.
struct claimed_operation {
    operation op;
    operation_state was = operation_state::pending;  // before it was claimed
    int attempts = 0;                                // with this one
    order_id order;
    bv::currency currency;
    std::string method;
    std::string provider_reference;
    std::string traceparent;
};

struct operation_update {
    std::string key;
    operation_state state = operation_state::done;
    time_point due{};                    // when to try again; of no meaning once done
    std::int64_t provider_sequence = 0;  // once done: the provider's number of the operation…
    bool succeeded = false;              // …and whether it did what was asked
};

// Something that our books and the provider's do not agree on.
struct finding {
    std::string kind;    // "unknown_at_ours", "unknown_at_theirs", "unresolved", "amount_differs", "outcome_differs", "refused", "rejected"
    std::string key;     // the operation's
    std::string detail;  // for people
    bool mended = false;
    friend bool operator==(const finding&, const finding&) = default;
};

// What one transaction writes. Each member is one statement, however many items it has.
struct changes {
    std::vector<payment> opened;                             // whole, inserted
    std::vector<payment> payments;                           // whole, updated
    std::vector<std::pair<payment_id, refund>> refunds;      // inserted or updated
    std::vector<new_operation> operations;
    std::vector<ledger_transaction> bookings;
    std::vector<operation_update> updates;
    std::vector<finding> findings;                           // one a kind and key is kept
};

// An operation as our books have it, for reconciliation.
struct booked_operation {
    operation op;
    bv::currency currency;
    operation_state state = operation_state::pending;
    std::int64_t provider_sequence = 0;
    bool succeeded = false;
    time_point updated{};
    std::string traceparent;
};

struct page_position {  // keyset: what follows it in the list's order
    time_point time{};
    uuid id{};
};
struct payment_filter {
    std::optional<customer_id> customer{};
    std::optional<payment_status> status{};
};
struct stored_payment {
    payment value;
    time_point created{}, updated{};
};
struct entry_filter {
    std::optional<payment_id> payment{};
    std::string account{};
};
struct ledger_entry {
    std::int64_t id = 0;
    uuid transaction{};
    payment_id payment{};
    std::string account;
    money amount;
    std::string description;
    time_point created{};
};
struct account_balance {
    std::string account;
    money balance;
    friend bool operator==(const account_balance&, const account_balance&) = default;
};

// All within the unit of work, whose identity decides what the reads see.
class store {
public:
    virtual ~store() = default;

    // Locks in the order of ids and reads; those that do not exist are left out.
    virtual task<std::vector<payment>> lock(storage::unit_of_work&, std::vector<payment_id>) = 0;
    virtual task<void> save(storage::unit_of_work&, const changes&, time_point now) = 0;

    // Up to `limit` due operations, longest due first, leased until `lease_end`; those that others hold are passed over.
    // Due is also what is put off by more than farthest_due.
    virtual task<std::vector<claimed_operation>> claim(storage::unit_of_work&, time_point now, time_point lease_end, int limit) = 0;
    // Makes unknown ones among these due at once.
    virtual task<void> hurry(storage::unit_of_work&, std::vector<std::string> keys, time_point now) = 0;
    // When the next operation is due; nullopt when none is open.
    virtual task<std::optional<time_point>> next_due(storage::unit_of_work&) = 0;

    virtual task<std::vector<booked_operation>> booked(storage::unit_of_work&, std::vector<std::string> keys) = 0;
    // Done operations with a provider sequence in (after, until], by sequence.
    virtual task<std::vector<booked_operation>> booked_between(storage::unit_of_work&, std::int64_t after, std::int64_t until, int limit) = 0;
    virtual task<std::int64_t> reconciled_until(storage::unit_of_work&) = 0;
    virtual task<void> set_reconciled_until(storage::unit_of_work&, std::int64_t sequence) = 0;
    virtual task<std::vector<finding>> findings(storage::unit_of_work&, int limit) = 0;

    virtual task<std::optional<stored_payment>> find(storage::unit_of_work&, payment_id) = 0;
    // Newest first, after the position.
    virtual task<std::vector<stored_payment>> list(storage::unit_of_work&, payment_filter, std::optional<page_position> after, int limit) = 0;
    // Oldest first, after the id.
    virtual task<std::vector<ledger_entry>> entries(storage::unit_of_work&, entry_filter, std::int64_t after, int limit) = 0;
    virtual task<std::vector<account_balance>> balances(storage::unit_of_work&) = 0;
};

// One request to the provider.
struct provider_call {
    bool ask = false;  // only ask what became of the key
    std::string key;
    operation_kind kind = operation_kind::authorise;
    money amount;
    std::string method;         // to authorise
    std::string authorisation;  // to capture, void, refund
    std::string order;          // the provider's merchant reference
    std::string traceparent;
};

enum class answer_kind : std::uint8_t {
    settled,   // the outcome is known
    not_sent,  // surely not handled: the provider is away, or we hold back
    in_doubt,  // may have been handled
    not_seen,  // asked for, and the provider never saw the key
    rejected,  // the provider does not take the request as it is: a bug or a wrong configuration
};

struct provider_answer {
    std::string key;
    answer_kind kind = answer_kind::in_doubt;
    bv::payment::outcome outcome{};   // when settled; of `rejected` only its reason
    std::int64_t sequence = 0;        // the provider's number of the operation
    std::optional<milliseconds> retry_after{};
};

// An operation as the provider has it.
struct provider_record {
    std::string key;
    std::int64_t sequence = 0;
    operation_kind kind = operation_kind::authorise;
    money amount;
    bv::payment::outcome outcome{};
};

struct provider_totals {
    std::map<std::string, std::int64_t> captured, refunded;  // minor units by currency
    friend bool operator==(const provider_totals&, const provider_totals&) = default;
};

// The payment provider. Calls run side by side within the adapter's bounds; nothing of them is in a transaction.
class provider {
public:
    virtual ~provider() = default;

    // Starts calls. Every call gets exactly one answer.
    virtual void submit(std::vector<provider_call>) = 0;
    // Resumes with up to `max` answers as soon as there is one, else empty once woken or at `until`.
    virtual task<std::vector<provider_answer>> answers(std::size_t max, steady_point until) = 0;
    // Ends a wait for answers, the running one or the next. Thread-safe.
    virtual void wake() noexcept = 0;

    // The provider's operations after a sequence number, by sequence. Throws failure when it is away.
    virtual task<std::vector<provider_record>> list(std::int64_t after, int limit) = 0;
    virtual task<provider_totals> totals() = 0;
};

}  // namespace bv::payment
