// The provider port over HTTP: bounded concurrency, a circuit breaker, a time-out a call, and no outcome ever guessed.
#pragma once

#include <memory>
#include <string>

#include <boost/asio/any_io_executor.hpp>

#include "domains/commerce/payment/app/ports.hpp"

namespace bv::payment {

struct provider_options {
    std::string host = "127.0.0.1";
    std::uint16_t port = 0;
    std::string api_key;
    int concurrent = 96;            // calls at a time; see worker_options::lease
    milliseconds timeout{2'000};    // of one call
    milliseconds open_for{1'000};   // how long the circuit stays open
};

// Calls run on `home`, on which submit() and answers() are called too. stop() must have been awaited before the end.
class http_provider final : public provider {
public:
    http_provider(asio::any_io_executor home, clock&, provider_options);
    ~http_provider() override;

    void submit(std::vector<provider_call>) override;
    task<std::vector<provider_answer>> answers(std::size_t max, steady_point until) override;
    void wake() noexcept override;
    task<std::vector<provider_record>> list(std::int64_t after, int limit) override;
    task<provider_totals> totals() override;
    // Cancels what is under way: its answers are in doubt.
    task<void> stop();

private:
    struct impl;
    std::unique_ptr<impl> impl_;
};

}  // namespace bv::payment
