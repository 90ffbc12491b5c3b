// A store in memory with the transactions that the ports rely on: writes are staged, and at commit either all of them take
// effect or, when another transaction was faster, none. For tests and simulation; one thread.
#pragma once

#include <functional>
#include <utility>
#include <vector>

#include "platform/events/outbox.hpp"
#include "platform/storage/unit_of_work.hpp"

namespace bv::order {

class memory_unit_of_work final : public storage::unit_of_work {
public:
    explicit memory_unit_of_work(storage::identity who) : who_(std::move(who)) {}

    // Runs at commit before any effect; throws when a conflict is found.
    void check(std::function<void()> f) { checks_.push_back(std::move(f)); }
    // Runs at commit, in order; does not throw.
    void effect(std::function<void()> f) { effects_.push_back(std::move(f)); }
    void commit() {
        for (auto& f : checks_) f();
        for (auto& f : effects_) f();
    }

    [[nodiscard]] const storage::identity& who() const noexcept { return who_; }
    // Row-level security.
    [[nodiscard]] bool sees(const uuid& customer) const noexcept { return who_.all_customers || who_.customer == customer; }

private:
    storage::identity who_;
    std::vector<std::function<void()>> checks_, effects_;
};

[[nodiscard]] inline memory_unit_of_work& memory_of(storage::unit_of_work& uow) { return static_cast<memory_unit_of_work&>(uow); }

class memory_database final : public storage::transactor {
public:
    task<void> run(storage::transaction_options options, std::function<task<void>(storage::unit_of_work&)> work) override {
        memory_unit_of_work uow(std::move(options.identity));
        co_await work(uow);
        uow.commit();
    }
};

// Events in the order of their commits.
class memory_outbox final : public bv::events::outbox {
public:
    memory_outbox(std::string source, const bv::clock& clock) : source_(std::move(source)), clock_(clock) {}

    task<void> append(storage::unit_of_work& uow, std::vector<bv::events::outgoing> events) override {
        memory_of(uow).effect([this, who = memory_of(uow).who(), events = std::move(events)] {
            for (const auto& e : events) {
                const auto position = static_cast<std::int64_t>(published_.size()) + 1;
                const auto& trace = e.traceparent.empty() ? who.traceparent : e.traceparent;
                published_.push_back({position, source_, e.id, e.type, e.key, clock_.now(), trace, who.actor, e.payload});
            }
        });
        co_return;
    }
    [[nodiscard]] const std::vector<bv::events::event>& published() const noexcept { return published_; }

private:
    std::string source_;
    const bv::clock& clock_;
    std::vector<bv::events::event> published_;
};

}  // namespace bv::order
