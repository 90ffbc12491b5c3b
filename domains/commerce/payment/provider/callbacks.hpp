// Call-backs: what has happened is told to the merchant, in groups, signed, again until it is taken. A hint, no more:
// they may come late, twice, in any order, or (after many failures, or a restart) not at all.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>

#include <boost/asio/any_io_executor.hpp>

#include "domains/commerce/payment/provider/books.hpp"
#include "platform/core/clock.hpp"
#include "platform/core/task.hpp"
#include "platform/net/http/client.hpp"
#include "platform/runtime/waiter.hpp"

namespace bv::payment_provider {

struct callback_options {
    std::string url;     // "http://127.0.0.1:8080/v1/payments:providerCallback"; or https; empty: none are sent
    std::string certificate;  // of an https URL, PEM: who has it is taken for the platform, whatever its name
    std::string secret;  // of the signature (platform/security/hmac_signature.hpp)
    milliseconds gather{20};
    std::size_t max_group = 256;
    std::size_t max_queued = 20'000;  // the oldest are dropped beyond
    int attempts = 8;                 // of one group; 100 ms apart at first, doubling to 10 s
};

// On one thread: that of the provider's books.
class callbacks {
public:
    // Throws failure INVALID_ARGUMENT "BAD_CALLBACK_URL" for what is not http(s)://host:port/path, "TLS_FILES" for a certificate that cannot be read.
    callbacks(callback_options, clock&);
    ~callbacks();
    // The record stays where it is.
    void push(const record&);
    // Until cancelled.
    task<void> run();
    [[nodiscard]] bool enabled() const noexcept { return client_ != nullptr; }

private:
    task<void> deliver(std::string body);
    task<bool> post(std::string body);

    callback_options options_;
    clock& clock_;
    std::string path_;
    std::unique_ptr<http::client> client_;
    std::deque<const record*> queue_;
    std::shared_ptr<waiter> idle_;
};

}  // namespace bv::payment_provider
