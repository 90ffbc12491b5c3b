#include "platform/storage/postgres/idempotency.hpp"

#include "platform/storage/postgres/schema_statement.hpp"

namespace bv::pg {
namespace {

using seconds_f = std::chrono::duration<double>;

constexpr std::int64_t purge_batch = 5'000;

}  // namespace

idempotency_store::idempotency_store(database& db, std::string_view schema, settings s)
    : database_(db),
      settings_(s),
      // A claim whose lease ran out goes to a repeat of the same request; an old key to any request.
      claim_(statement_in(schema, "idempotency.claim", R"(
INSERT INTO {{schema}}.idempotency_keys AS k (caller, key, fingerprint, claimed_at, lease_until)
VALUES ($1, $2, $3, now(), now() + make_interval(secs => $4))
ON CONFLICT (caller, key) DO UPDATE
SET fingerprint = excluded.fingerprint, claimed_at = excluded.claimed_at, lease_until = excluded.lease_until,
    status = NULL, content_type = NULL, body = NULL, etag = NULL
WHERE k.claimed_at < now() - make_interval(secs => $5)
   OR (k.status IS NULL AND k.lease_until < now() AND k.fingerprint = excluded.fingerprint)
RETURNING 1)")),
      read_(statement_in(schema, "idempotency.read", R"(
SELECT fingerprint, status, content_type, body, etag
FROM {{schema}}.idempotency_keys
WHERE caller = $1 AND key = $2)")),
      finish_(statement_in(schema, "idempotency.finish", R"(
UPDATE {{schema}}.idempotency_keys
SET status = $3, content_type = $4, body = $5, etag = $6
WHERE caller = $1 AND key = $2 AND status IS NULL)")),
      abandon_(statement_in(schema, "idempotency.abandon", R"(
DELETE FROM {{schema}}.idempotency_keys
WHERE caller = $1 AND key = $2 AND status IS NULL)")),
      purge_(statement_in(schema, "idempotency.purge", R"(
DELETE FROM {{schema}}.idempotency_keys
WHERE (caller, key) IN (SELECT caller, key FROM {{schema}}.idempotency_keys
                        WHERE claimed_at < now() - make_interval(secs => $1)
                        ORDER BY claimed_at LIMIT $2))")) {}

task<result<std::optional<resilience::stored_answer>>> idempotency_store::claim(std::string caller, std::string key, std::string fingerprint) {
    // The row may go between the two statements when its owner abandons it; then the claim is free again.
    for (int tries = 0; tries < 3; ++tries) {
        const auto mine = co_await database_.query(
            claim_, params(caller, key, fingerprint, seconds_f(settings_.lease).count(), seconds_f(settings_.keep).count()));
        if (!mine.empty()) co_return std::optional<resilience::stored_answer>{};
        const auto found = co_await database_.query(read_, params(caller, key));
        if (found.empty()) continue;
        const auto row = found.front();
        if (row.get<std::string_view>(0) != fingerprint) {
            co_return fail(code::invalid_argument, "IDEMPOTENCY_KEY_REUSED",
                           "this idempotency key was used for another request: use a new key for each new request");
        }
        if (row.is_null(1)) break;
        resilience::stored_answer answer;
        answer.status = row.get<std::int32_t>(1);
        answer.content_type = row.get<std::string>(2);
        answer.body = row.get<bytes>(3).data;
        answer.etag = row.get<std::string>(4);
        co_return std::optional(std::move(answer));
    }
    co_return fail(code::aborted, "IDEMPOTENCY_KEY_IN_USE", "the first request with this idempotency key is still running: ask again in a moment");
}

task<void> idempotency_store::finish(std::string caller, std::string key, resilience::stored_answer a) {
    co_await database_.query(finish_, params(caller, key, static_cast<std::int32_t>(a.status), a.content_type, bytes{std::move(a.body)}, a.etag));
}

task<void> idempotency_store::abandon(std::string caller, std::string key) { co_await database_.query(abandon_, params(caller, key)); }

task<std::int64_t> idempotency_store::purge() {
    const auto gone = co_await database_.query(purge_, params(seconds_f(settings_.keep).count(), purge_batch));
    co_return gone.affected();
}

}  // namespace bv::pg
