// An event log that makes full use of what its contract leaves open: when events come, how batches are cut and mixed, and how
// often a handler runs. Effects are still once for whoever keeps to the contract.
#pragma once

#include <memory>
#include <utility>

#include "platform/events/log.hpp"
#include "platform/events/log_storage.hpp"
#include "sim/chance.hpp"

namespace bv::sim {

// Around a real log.
class rough_log final : public events::log {
public:
    rough_log(events::log& inner, chance& c, clock& time) : inner_(inner), chance_(c), clock_(time) {}
    void subscribe(events::subscription) override;
    void observe(events::observer o) override { inner_.observe(std::move(o)); }
    task<void> start() override { return inner_.start(); }
    task<void> stop() override { return inner_.stop(); }
    [[nodiscard]] std::vector<events::subscription_status> status() const override { return inner_.status(); }
    void wake() noexcept override { inner_.wake(); }

private:
    task<void> deliver(const events::batch_handler*, bool may_repeat, storage::unit_of_work*, std::span<const events::event>);
    [[nodiscard]] std::vector<events::event> mixed(std::span<const events::event>);

    events::log& inner_;
    chance& chance_;
    clock& clock_;
};

// Under one: its reader says now and then that the database began anew, so that all that was read ahead is dropped.
class rough_storage final : public events::log_storage {
public:
    rough_storage(std::unique_ptr<events::log_storage> inner, chance& c);
    ~rough_storage() override;
    events::outbox_reader& outboxes() override;
    std::unique_ptr<events::consumer_store> positions(std::string group, std::string source, std::string_view consumer) override {
        return inner_->positions(std::move(group), std::move(source), consumer);
    }
    std::unique_ptr<events::dead_letter_store> letters(std::string group, std::string source, std::string_view consumer) override {
        return inner_->letters(std::move(group), std::move(source), consumer);
    }

private:
    class reader;
    std::unique_ptr<events::log_storage> inner_;
    std::unique_ptr<reader> reader_;
};

}  // namespace bv::sim
