// Idempotency keys in a service's schema (table made by platform.create_idempotency_keys).
#pragma once

#include <memory>
#include <string>

#include "platform/resilience/idempotency.hpp"
#include "platform/storage/postgres/database.hpp"

namespace bv::pg {

// Thread-safe. The database must outlive it. Times are the server's. What the callers of a core ask for at the same time
// travels in one statement; a lone caller waits for nobody.
class idempotency_store final : public resilience::idempotency_store {
public:
    struct settings {
        milliseconds lease{60'000};      // after this a claim without an answer is given to the next caller
        seconds keep{24 * 60 * 60};      // after this a key may be used for something else
    };
    idempotency_store(database& db, std::string_view schema) : idempotency_store(db, schema, settings{}) {}
    idempotency_store(database&, std::string_view schema, settings);
    ~idempotency_store() override;

    // Callers, keys and fingerprints are valid UTF-8.
    task<result<std::optional<resilience::stored_answer>>> claim(std::string caller, std::string key, std::string fingerprint) override;
    task<void> finish(std::string caller, std::string key, resilience::stored_answer) override;
    task<void> abandon(std::string caller, std::string key) override;

    // Deletes keys that are out of date, some thousands a call; returns how many. For a background job.
    task<std::int64_t> purge();

private:
    struct impl;
    std::shared_ptr<impl> impl_;
};

}  // namespace bv::pg
