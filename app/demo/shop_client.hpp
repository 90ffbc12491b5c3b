// The public API as a person's program calls it, one request after the other, each in a trace of its own.
#pragma once

#include <optional>
#include <string>

#include <boost/json/value.hpp>

#include "platform/core/clock.hpp"
#include "platform/net/http/client.hpp"
#include "platform/runtime/runtime.hpp"

namespace bv::demo {

struct reply {
    int status = 0;
    boost::json::value body;
    std::string trace_id;  // of the request
    std::chrono::nanoseconds took{0};
    [[nodiscard]] bool ok() const noexcept { return status >= 200 && status < 300; }
};

// Blocks; one thread.
class shop_client {
public:
    explicit shop_client(http::client_options);
    ~shop_client();

    // "Authorization: Bearer …" from now on.
    void log_in(std::string access_token) { bearer_ = std::move(access_token); }
    // "X-Api-Key: …" from now on.
    void use_key(std::string key) { key_ = std::move(key); }
    [[nodiscard]] bool has_key() const noexcept { return !key_.empty(); }

    // Any status is a reply. Throws failure UNAVAILABLE when the platform does not answer. A POST gets a new Idempotency-Key.
    reply ask(http::verb, const std::string& target, std::string body = {});

private:
    std::string bearer_, key_;
    runtime runtime_{1};
    http::client client_;
};

}  // namespace bv::demo
