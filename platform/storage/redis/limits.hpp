// Rate limits that several processes keep together: the generic cell rate algorithm in one script, by the server's clock.
#pragma once

#include <memory>
#include <string>

#include "platform/resilience/rate_limit.hpp"
#include "platform/storage/redis/client.hpp"

namespace bv::redis {

class shared_limits final : public resilience::shared_limits {
public:
    // prefix: of the keys, "bv:limit:". The client outlives it.
    shared_limits(client&, std::string prefix);
    task<std::optional<resilience::rate_decision>> take(const resilience::rate_limit_options&, std::string key) override;

private:
    client& redis_;
    const std::string prefix_;
};

}  // namespace bv::redis
