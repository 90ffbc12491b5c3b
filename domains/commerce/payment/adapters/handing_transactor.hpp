// A store that hands over, after each commit, what the transaction leased for the worker.
#pragma once

#include <functional>
#include <utility>

#include "domains/commerce/payment/app/handover.hpp"
#include "platform/storage/unit_of_work.hpp"

namespace bv::payment {

class handing_transactor final : public storage::transactor {
public:
    using give = std::function<void(handover::batch)>;
    handing_transactor(storage::transactor& inner, handover& leased, give to) : inner_(inner), leased_(leased), give_(std::move(to)) {}

    task<void> run(storage::transaction_options options, std::function<task<void>(storage::unit_of_work&)> work) override {
        try {
            co_await inner_.run(std::move(options), [this, &work](storage::unit_of_work& uow) {
                leased_.drop();  // of an attempt that came to nothing
                return work(uow);
            });
        } catch (...) {
            leased_.drop();
            throw;
        }
        if (auto batch = leased_.committed(); batch.places > 0 || batch.more) give_(std::move(batch));
    }

private:
    storage::transactor& inner_;
    handover& leased_;
    give give_;
};

}  // namespace bv::payment
