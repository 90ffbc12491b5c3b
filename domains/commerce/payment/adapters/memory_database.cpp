#include "domains/commerce/payment/adapters/memory_database.hpp"

#include <exception>

namespace bv::payment {

void memory_unit_of_work::roll_back() {
    while (!undo_.empty()) {
        undo_.back()();
        undo_.pop_back();
    }
}

task<void> memory_database::run(storage::transaction_options options, std::function<task<void>(storage::unit_of_work&)> work) {
    while (busy_) {
        auto w = waiter::make();
        waiting_.push_back(w);
        co_await w->wait();
    }
    busy_ = true;
    memory_unit_of_work uow(std::move(options.identity));
    std::exception_ptr thrown;
    try {
        co_await work(uow);
    } catch (...) {
        thrown = std::current_exception();
        uow.roll_back();
    }
    leave();
    if (thrown) std::rethrow_exception(thrown);
}

void memory_database::leave() noexcept {
    busy_ = false;
    while (!waiting_.empty()) {
        const auto next = std::move(waiting_.front());
        waiting_.pop_front();
        if (next->wake()) return;  // else it was cancelled
    }
}

task<void> memory_outbox::append(storage::unit_of_work& uow, std::vector<events::outgoing> events) {
    const auto before = all.size();
    all.insert(all.end(), std::make_move_iterator(events.begin()), std::make_move_iterator(events.end()));
    memory_of(uow).on_rollback([this, before] { all.resize(before); });
    co_return;
}

}  // namespace bv::payment
