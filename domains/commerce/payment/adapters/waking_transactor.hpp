// A store that tells, after each commit, that there may be work: what the consumer committed is begun at once.
#pragma once

#include <functional>
#include <utility>

#include "platform/storage/unit_of_work.hpp"

namespace bv::payment {

class waking_transactor final : public storage::transactor {
public:
    waking_transactor(storage::transactor& inner, std::function<void()> wake) : inner_(inner), wake_(std::move(wake)) {}

    task<void> run(storage::transaction_options options, std::function<task<void>(storage::unit_of_work&)> work) override {
        co_await inner_.run(std::move(options), std::move(work));
        wake_();
    }

private:
    storage::transactor& inner_;
    std::function<void()> wake_;
};

}  // namespace bv::payment
