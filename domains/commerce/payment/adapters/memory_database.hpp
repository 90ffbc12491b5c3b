// Transactions in memory, for simulation and tests: one at a time, undone when they throw. One thread.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "platform/events/outbox.hpp"
#include "platform/runtime/waiter.hpp"
#include "platform/storage/unit_of_work.hpp"

namespace bv::payment {

class memory_unit_of_work final : public storage::unit_of_work {
public:
    explicit memory_unit_of_work(storage::identity i) : identity(std::move(i)) {}
    // Remembers how to take a change back.
    void on_rollback(std::function<void()> undo) { undo_.push_back(std::move(undo)); }
    void roll_back();

    const storage::identity identity;

private:
    std::vector<std::function<void()>> undo_;
};

[[nodiscard]] inline memory_unit_of_work& memory_of(storage::unit_of_work& uow) { return static_cast<memory_unit_of_work&>(uow); }

class memory_database final : public storage::transactor {
public:
    task<void> run(storage::transaction_options, std::function<task<void>(storage::unit_of_work&)> work) override;

private:
    void leave() noexcept;
    bool busy_ = false;
    std::deque<std::shared_ptr<waiter>> waiting_;
};

class memory_outbox final : public events::outbox {
public:
    task<void> append(storage::unit_of_work&, std::vector<events::outgoing>) override;
    std::vector<events::outgoing> all;  // committed, and those of the running transaction
};

}  // namespace bv::payment
