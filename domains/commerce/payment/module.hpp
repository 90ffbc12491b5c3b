// The payment service: what the process needs to run it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "domains/commerce/payment/adapters/http_provider.hpp"
#include "domains/commerce/payment/wiring.hpp"
#include "platform/rpc/method.hpp"
#include "platform/rpc/raw_route.hpp"
#include "platform/runtime/module.hpp"
#include "platform/runtime/runtime.hpp"
#include "platform/storage/postgres/migrations.hpp"

namespace bv::payment {

struct deps {
    bv::runtime& runtime;
    bv::clock& clock;
    bv::rng& rng;
    pg::database& db;  // connected as bv_payment
    events::log& log;
};

struct options : service_options {
    provider_options provider{};  // host, port and API key are needed
    std::string callback_secret;  // shared with the provider: signs its call-backs
    std::size_t core = 0;         // where the worker and the provider's calls run
};

class service {
public:
    // Subscribes to the order service's events. Throws failure INVALID_ARGUMENT "PROVIDER_NOT_CONFIGURED".
    service(deps, options);
    ~service();
    [[nodiscard]] rpc::served served();
    // The provider's call-back: POST /v1/payments:providerCallback.
    [[nodiscard]] std::vector<rpc::raw_route> routes();
    [[nodiscard]] bv::module lifecycle();
    [[nodiscard]] static pg::migration_set migrations();

    // Compares the books with the provider's, also between two runs of the job. On core `options.core`.
    task<reconciliation> reconcile(bool everything);

private:
    struct impl;
    std::unique_ptr<impl> impl_;
};

// The same without a running service, for `bv verify`: on the caller's executor, which runs on one thread.
task<reconciliation> reconcile_books(clock&, rng&, pg::database& as_bv_payment, provider_options, reconcile_options = {});

}  // namespace bv::payment
