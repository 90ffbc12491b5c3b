// Finished answers of idempotency keys in Redis, in front of the store that decides.
#pragma once

#include <string>

#include "platform/resilience/idempotency.hpp"
#include "platform/storage/redis/client.hpp"
#include "platform/telemetry/metrics.hpp"

namespace bv::redis {

struct early_answers_options {
    std::string prefix;  // of the keys, with the version of what is stored: "bv:answer:1:"
    // Less than the store behind keeps its keys: what may be used for something else there is forgotten here before.
    milliseconds ttl{600'000};
    std::size_t most_bytes = 64 * 1024;  // longer bodies are not kept
};

class early_answers final : public resilience::early_answers {
public:
    // The client outlives it.
    early_answers(client&, early_answers_options);

    task<std::optional<resilience::stored_answer>> find(std::string caller, std::string key, std::string fingerprint) override;
    task<void> keep(std::string caller, std::string key, std::string fingerprint, resilience::stored_answer) override;

private:
    [[nodiscard]] std::string name_of(const std::string& caller, const std::string& key) const;
    client& redis_;
    const early_answers_options options_;
    telemetry::counter& served_;
};

}  // namespace bv::redis
