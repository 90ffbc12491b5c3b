// The platform's public API as an importer calls it: every request is repeated until it is answered, so the platform may
// throttle, be killed and start again in the middle. Requests that change something carry an Idempotency-Key.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <boost/json/value.hpp>

#include "app/replay/retry_rules.hpp"
#include "platform/net/http/client.hpp"

namespace bv::replay {

struct api_options {
    // Where the platform is now; asked again after each failure, as a platform that was started anew may have another port.
    std::function<http::client_options()> where;
    std::string key;                    // X-Api-Key
    milliseconds patience{60'000};      // how long the platform may stay away before a call gives up
    milliseconds longest_call{300'000}; // a single request, repeats included
    retry_rules rules{};
};

struct api_answer {
    int status = 0;
    boost::json::value body;
    bool repeated = false;              // the platform gave the answer of an earlier request with this key
    bool ok() const noexcept { return status >= 200 && status < 300; }
};

struct api_counts {
    std::uint64_t requests = 0;   // answered
    std::uint64_t throttled = 0;  // 429 and 503
    std::uint64_t lost = 0;       // no answer came, the request may have been handled
    std::uint64_t refused_connections = 0;
    std::uint64_t outages = 0;
};

// One thread: that of the executor its tasks run on.
class platform_api {
public:
    platform_api(api_options, clock&, rng&);
    // Throws failure UNAVAILABLE "PLATFORM_AWAY" once it stayed away for `patience`, PERMISSION_DENIED "KEY_REFUSED" for 401
    // and 403, DEADLINE_EXCEEDED "NO_PROGRESS" when only this request finds no answer. Other refusals are answers.
    task<api_answer> call(http::verb, std::string target, std::string body = {}, std::string idempotency_key = {});
    // call(), with any refusal thrown as failure with the problem's own text.
    task<boost::json::value> demand(http::verb, std::string target, std::string body = {}, std::string idempotency_key = {});
    // The text of a page that is no JSON, tried once; nullopt when it cannot be had.
    task<std::optional<std::string>> page(std::string target);

    [[nodiscard]] const api_counts& counts() const noexcept { return counts_; }
    // Since when it has not answered; nullopt while it does.
    [[nodiscard]] std::optional<steady_point> away_since() const noexcept { return away_since_; }
    void close();

private:
    struct attempt {
        int status = 0;  // 0: none came
        http::client_response response;
        std::string why;
    };
    task<attempt> try_once(http::client_request);
    void note_absence(const attempt&);
    void find_again();

    api_options options_;
    clock& clock_;
    rng& rng_;
    std::shared_ptr<http::client> client_;
    std::uint16_t port_ = 0;
    api_counts counts_;
    std::optional<steady_point> away_since_;
};

}  // namespace bv::replay
