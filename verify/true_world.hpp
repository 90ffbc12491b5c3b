// A small world made by the real services: orders of every fate, carried to their ends over the event log with a payment
// provider. Tests spoil copies of its database. Only for tests.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>

#include "bv_contracts_registry.hpp"
#include "domains/commerce/payment/provider/provider.hpp"
#include "platform/runtime/runtime.hpp"
#include "platform/testing/postgres_fixture.hpp"
#include "verify/check.hpp"

namespace bv::verify::testing {

class true_world {
public:
    // Made at first use, for the life of the process.
    static true_world& instance();

    // The order ids by fate: confirmed, bigger, declined, short, capture_failed, returned_partly, returned, cancelled.
    [[nodiscard]] const std::string& order(const std::string& fate) const { return orders_.at(fate); }
    // The text with {fate} replaced by the order's id.
    [[nodiscard]] std::string with_ids(std::string text) const;
    // A database of its own with the same content.
    [[nodiscard]] bv::testing::test_database copy();
    [[nodiscard]] payment::provider_options provider() const { return {.port = provider_->port(), .api_key = "key"}; }
    [[nodiscard]] runtime& machine() noexcept { return machine_; }

    // Plain SQL in one transaction, as the superuser, then a check of the copy.
    report check_after(const std::string& sql, options);

private:
    true_world();
    ~true_world();
    void run_the_shop();

    runtime machine_{2};
    std::filesystem::path folder_;
    bv::testing::test_database database_;
    std::unique_ptr<payment_provider::server> provider_;
    std::map<std::string, std::string> orders_;
    int copies_ = 0;
};

}  // namespace bv::verify::testing
