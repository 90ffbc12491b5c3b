// Transactions under a lease: each asks first whether the lease is still held, and comes to nothing when it is not. So use cases that know
// of no lease are fenced by what they are given.
#pragma once

#include <functional>
#include <utility>

#include "platform/storage/leased_job.hpp"

namespace bv::storage {

// Both outlive it. Throws what the inner one throws, and failure ABORTED lease_lost.
class fenced_transactor final : public transactor {
public:
    fenced_transactor(transactor& inner, const tenure& under) : inner_(inner), under_(under) {}

    task<void> run(transaction_options options, std::function<task<void>(unit_of_work&)> work) override {
        co_await inner_.run(std::move(options), [this, &work](unit_of_work& uow) { return fenced(uow, work); });
    }

private:
    task<void> fenced(unit_of_work& uow, const std::function<task<void>(unit_of_work&)>& work) {
        co_await under_.confirm(uow);
        co_await work(uow);
    }

    transactor& inner_;
    const tenure& under_;
};

}  // namespace bv::storage
