// A unit of work is one transaction of one store. Use cases get it from a transactor and hand it to
// their store ports and to the outbox, so that state and events commit together or not at all.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include "platform/core/clock.hpp"
#include "platform/core/task.hpp"
#include "platform/core/uuid.hpp"

namespace bv::storage {

// On whose behalf a transaction runs: what row-level security and the audit trail see.
struct identity {
    std::string actor = "system";       // principal id as text: "user:…", "service:order"
    std::optional<uuid> customer{};     // rows of this customer only…
    bool all_customers = false;         // …or of all. Neither: no customer-owned row is visible
    std::string traceparent{};          // W3C, empty when not traced
};
// The platform's own work (consumers, jobs): sees all rows.
[[nodiscard]] inline identity system_identity(std::string actor, std::string traceparent = {}) {
    return {std::move(actor), std::nullopt, true, std::move(traceparent)};
}

enum class isolation : unsigned char { read_committed, repeatable_read, serializable };

struct transaction_options {
    storage::identity identity{};
    storage::isolation isolation = storage::isolation::read_committed;
    bool read_only = false;
    int attempts = 5;          // tries in all when the store reports a serialization failure or deadlock
    steady_point deadline = steady_point::max();
};

// Opaque to use cases; each store's adapter knows its own.
class unit_of_work {
public:
    virtual ~unit_of_work() = default;
    unit_of_work(const unit_of_work&) = delete;
    unit_of_work& operator=(const unit_of_work&) = delete;

protected:
    unit_of_work() = default;
};

class transactor {
public:
    virtual ~transactor() = default;

    // Runs work in a transaction and commits it; rolls back when it throws. work may run several times
    // (serialization failures), so it must have no effect outside the unit of work.
    // Throws bv::failure: UNAVAILABLE when the store is away, DEADLINE_EXCEEDED, ABORTED after `attempts`.
    virtual task<void> run(transaction_options, std::function<task<void>(unit_of_work&)> work) = 0;

    // The same, giving back what work returns. F: (unit_of_work&) -> task<T>.
    template <class F>
    auto transact(transaction_options options, F work)
        -> task<typename std::invoke_result_t<F&, unit_of_work&>::value_type> {
        using T = typename std::invoke_result_t<F&, unit_of_work&>::value_type;
        if constexpr (std::is_void_v<T>) {
            co_await run(std::move(options), std::move(work));
        } else {
            std::optional<T> out;
            co_await run(std::move(options), assign_to(out, work));
            co_return std::move(*out);
        }
    }

private:
    template <class T, class F>
    static std::function<task<void>(unit_of_work&)> assign_to(std::optional<T>& out, F& work) {
        return [&out, &work](unit_of_work& uow) { return assign<T, F>(&out, &work, &uow); };
    }
    template <class T, class F>
    static task<void> assign(std::optional<T>* out, F* work, unit_of_work* uow) {
        out->emplace(co_await (*work)(*uow));
    }
};

}  // namespace bv::storage
