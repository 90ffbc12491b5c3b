// Idempotency keys for unsafe requests (draft-ietf-httpapi-idempotency-key-header): a repeat under the same key gets
// the first answer; with another body it is refused; while the first still runs it is told to wait.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "platform/core/clock.hpp"
#include "platform/core/error.hpp"
#include "platform/core/task.hpp"

namespace bv::resilience {

struct stored_answer {
    int status = 0;
    std::string content_type;
    std::string body;
    std::string etag;
};

class idempotency_store {
public:
    virtual ~idempotency_store() = default;
    // Claims (caller, key) for a request whose fingerprint is a hash of method, path and body.
    // nullopt: this caller now owns it and must finish() or abandon() it. A value: the first answer.
    // Errors: invalid_argument "IDEMPOTENCY_KEY_REUSED" (http 422), aborted "IDEMPOTENCY_KEY_IN_USE" (http 409).
    // A claim older than its lease, left by a crash, is given to the next caller.
    virtual task<result<std::optional<stored_answer>>> claim(std::string caller, std::string key, std::string fingerprint) = 0;
    virtual task<void> finish(std::string caller, std::string key, stored_answer) = 0;
    virtual task<void> abandon(std::string caller, std::string key) = 0;
};

// Finished answers, where they are found sooner than in the store. It may forget any and decides nothing: whoever is not answered
// here asks the store.
class early_answers {
public:
    virtual ~early_answers() = default;
    // Of that very request only.
    virtual task<std::optional<stored_answer>> find(std::string caller, std::string key, std::string fingerprint) = 0;
    // After the store has it.
    virtual task<void> keep(std::string caller, std::string key, std::string fingerprint, stored_answer) = 0;
};

}  // namespace bv::resilience
