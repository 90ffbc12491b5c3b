// The development payment provider: a real HTTP peer of the payment service, with declines, delays, duplicate call-backs and
// lost answers on demand. Idempotent by the caller's key; what it has acknowledged survives kill -9. See README.md.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "domains/commerce/payment/provider/books.hpp"
#include "domains/commerce/payment/provider/callbacks.hpp"
#include "platform/core/clock.hpp"
#include "platform/core/task.hpp"

namespace bv {
class runtime;
}

namespace bv::payment_provider {

struct options {
    std::string address = "127.0.0.1";
    std::uint16_t port = 0;               // 0: any free one
    std::filesystem::path journal_file;   // made when missing, its folder too
    bool sync = true;                     // fdatasync before an answer: also survives a crash of the machine
    std::string api_key;                  // callers send "Authorization: Bearer <key>"; not empty
    callback_options callback{};
    payment_provider::behaviour behaviour{};
};

// In a process of its own, or in a test's. Its state lives on core 0 of the runtime.
class server {
public:
    // Reads the journal. Throws what journal and callbacks throw; failure INVALID_ARGUMENT "API_KEY_MISSING".
    server(runtime&, clock&, options);
    // stop() must have been awaited if start() was called.
    ~server();
    // Throws failure UNAVAILABLE "PORT_TAKEN".
    void start();
    [[nodiscard]] std::uint16_t port() const noexcept;
    // Lets requests in hand finish, at most for `grace`. On a runtime thread.
    task<void> stop(milliseconds grace);

private:
    struct impl;
    std::shared_ptr<impl> impl_;
};

// Runs until SIGINT or SIGTERM; 0, or 1 after a failed start, which it explains on standard error. Logs
// "payment_provider.listening" with its port. Call from main.
int run_provider(options);

}  // namespace bv::payment_provider
