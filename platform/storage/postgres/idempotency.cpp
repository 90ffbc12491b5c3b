#include "platform/storage/postgres/idempotency.hpp"

#include <map>
#include <mutex>
#include <utility>
#include <variant>
#include <vector>

#include <boost/asio/execution/context.hpp>
#include <boost/asio/query.hpp>
#include <boost/asio/this_coro.hpp>

#include "platform/storage/postgres/combiner.hpp"
#include "platform/storage/postgres/schema_statement.hpp"

namespace bv::pg {
namespace {

using seconds_f = std::chrono::duration<double>;
using resilience::stored_answer;
using claimed = result<std::optional<stored_answer>>;

constexpr std::int64_t purge_batch = 5'000;
constexpr std::size_t max_batch = 256;
constexpr int max_tries = 3;

struct claim_request {
    std::string caller, key, fingerprint;
};
struct finish_request {
    std::string caller, key;
    stored_answer answer;
};

claimed in_use() {
    return fail(code::aborted, "IDEMPOTENCY_KEY_IN_USE", "the first request with this idempotency key is still running: ask again in a moment");
}

// What a request gets under a key that is not its own.
claimed outcome_of(const row& r, const claim_request& wanted) {
    if (r.get<std::string_view>(2) != wanted.fingerprint)
        return fail(code::invalid_argument, "IDEMPOTENCY_KEY_REUSED", "this idempotency key was used for another request: use a new key for each new request");
    if (r.is_null(3)) return in_use();
    stored_answer answer;
    answer.status = r.get<std::int32_t>(3);
    answer.content_type = r.get<std::string>(4);
    answer.body = r.get<bytes>(5).data;
    answer.etag = r.get<std::string>(6);
    return std::optional(std::move(answer));
}

// Claims in hand: which are open, and under each key the one that asked first. Views into `wanted`.
struct claim_round {
    const std::vector<claim_request>& wanted;
    std::vector<claimed> answers;
    std::vector<std::size_t> open;

    using keys = std::map<std::pair<std::string_view, std::string_view>, std::size_t>;  // sorted: statements lock in this order
    [[nodiscard]] keys first_of_each() const {
        keys out;
        for (const auto i : open) out.try_emplace({wanted[i].caller, wanted[i].key}, i);
        return out;
    }
};

}  // namespace

// Nothing here waits for the disk (synchronous_commit off), and nothing is lost by it that could not be lost before: the
// server writes its log in order. A claim commits before the work that it guards begins, so whenever the work outlives a
// crash of the server, so does the claim. An answer may be lost although it was given; then the claim stands without one,
// as it does when this process dies between work and answer: its lease runs out, the request runs again, and the service
// recognises its own key.
struct idempotency_store::impl {
    impl(database& db, std::string_view schema, settings s)
        : database_(db),
          settings_(s),
          // A claim whose lease ran out goes to a repeat of the same request; an old key to any request.
          claim_(statement_in(schema, "idempotency.claim", R"(
INSERT INTO {{schema}}.idempotency_keys AS k (caller, key, fingerprint, claimed_at, lease_until)
SELECT w.caller, w.key, w.fingerprint, now(), now() + make_interval(secs => $4)
FROM unnest($1::text[], $2::text[], $3::text[]) WITH ORDINALITY AS w(caller, key, fingerprint, n),
     set_config('synchronous_commit', 'off', true)
ORDER BY w.n
ON CONFLICT (caller, key) DO UPDATE
SET fingerprint = excluded.fingerprint, claimed_at = excluded.claimed_at, lease_until = excluded.lease_until,
    status = NULL, content_type = NULL, body = NULL, etag = NULL
WHERE k.claimed_at < now() - make_interval(secs => $5)
   OR (k.status IS NULL AND k.lease_until < now() AND k.fingerprint = excluded.fingerprint)
RETURNING k.caller, k.key)")),
          read_(statement_in(schema, "idempotency.read", R"(
SELECT k.caller, k.key, k.fingerprint, k.status, k.content_type, k.body, k.etag
FROM unnest($1::text[], $2::text[]) AS w(caller, key)
JOIN {{schema}}.idempotency_keys k ON k.caller = w.caller AND k.key = w.key)")),
          finish_(statement_in(schema, "idempotency.finish", R"(
UPDATE {{schema}}.idempotency_keys k
SET status = w.status, content_type = w.content_type, body = w.body, etag = w.etag
FROM unnest($1::text[], $2::text[], $3::integer[], $4::text[], $5::bytea[], $6::text[]) AS w(caller, key, status, content_type, body, etag),
     set_config('synchronous_commit', 'off', true)
WHERE k.caller = w.caller AND k.key = w.key AND k.status IS NULL)")),
          abandon_(statement_in(schema, "idempotency.abandon", R"(
DELETE FROM {{schema}}.idempotency_keys
WHERE caller = $1 AND key = $2 AND status IS NULL)")),
          purge_(statement_in(schema, "idempotency.purge", R"(
DELETE FROM {{schema}}.idempotency_keys
WHERE (caller, key) IN (SELECT caller, key FROM {{schema}}.idempotency_keys
                        WHERE claimed_at < now() - make_interval(secs => $1)
                        ORDER BY claimed_at LIMIT $2))")) {}

    using claims = combiner<claim_request, claimed>;
    using finishes = combiner<finish_request, std::monostate>;
    struct core {
        std::shared_ptr<claims> claiming;
        std::shared_ptr<finishes> finishing;
    };

    // The combiners of the calling thread's io_context.
    core here(const asio::any_io_executor& e) {
        auto* context = &asio::query(e, asio::execution::context);
        const std::scoped_lock guard(mutex_);
        if (const auto it = cores_.find(context); it != cores_.end()) return it->second;
        return cores_[context] = {std::make_shared<claims>(max_batch, [this](std::vector<claim_request> all) { return claim_all(std::move(all)); }),
                                  std::make_shared<finishes>(max_batch, [this](std::vector<finish_request> all) { return finish_all(std::move(all)); })};
    }

    task<std::vector<claimed>> claim_all(std::vector<claim_request> wanted);
    task<void> claim_open(claim_round& round);
    task<std::vector<std::monostate>> finish_all(std::vector<finish_request> all);

    database& database_;
    settings settings_;
    statement claim_, read_, finish_, abandon_, purge_;
    std::mutex mutex_;
    std::map<asio::execution_context*, core> cores_;
};

// Claims what is free; answers the others by what is there. A row may go between the two statements, when its owner
// abandons it: its request stays open.
task<void> idempotency_store::impl::claim_open(claim_round& round) {
    auto first = round.first_of_each();
    std::vector<std::string> callers, keys, prints;
    for (const auto& [name, i] : first) {
        callers.emplace_back(name.first);
        keys.emplace_back(name.second);
        prints.push_back(round.wanted[i].fingerprint);
    }
    const auto mine = co_await database_.query(claim_, params(callers, keys, prints, seconds_f(settings_.lease).count(), seconds_f(settings_.keep).count()));
    for (const auto r : mine) {
        const auto i = first.at({r.get<std::string_view>(0), r.get<std::string_view>(1)});
        round.answers[i] = std::optional<stored_answer>{};
        std::erase(round.open, i);
    }
    if (round.open.empty()) co_return;
    first = round.first_of_each();
    callers.clear(), keys.clear();
    for (const auto& [name, i] : first) callers.emplace_back(name.first), keys.emplace_back(name.second);
    const auto there = co_await database_.query(read_, params(callers, keys));
    for (const auto r : there)
        std::erase_if(round.open, [&](std::size_t i) {
            const auto& w = round.wanted[i];
            if (w.caller != r.get<std::string_view>(0) || w.key != r.get<std::string_view>(1)) return false;
            round.answers[i] = outcome_of(r, w);
            return true;
        });
}

task<std::vector<claimed>> idempotency_store::impl::claim_all(std::vector<claim_request> wanted) {
    claim_round round{wanted, {}, {}};
    for (std::size_t i = 0; i < wanted.size(); ++i) round.answers.push_back(in_use()), round.open.push_back(i);
    for (int tries = 0; tries < max_tries && !round.open.empty(); ++tries) co_await claim_open(round);
    co_return std::move(round.answers);
}

task<std::vector<std::monostate>> idempotency_store::impl::finish_all(std::vector<finish_request> all) {
    std::vector<std::string> callers, keys, types, etags;
    std::vector<std::int32_t> statuses;
    std::vector<bytes> bodies;
    for (auto& f : all) {
        callers.push_back(std::move(f.caller));
        keys.push_back(std::move(f.key));
        statuses.push_back(f.answer.status);
        types.push_back(std::move(f.answer.content_type));
        bodies.push_back({std::move(f.answer.body)});
        etags.push_back(std::move(f.answer.etag));
    }
    co_await database_.query(finish_, params(callers, keys, statuses, types, bodies, etags));
    co_return std::vector<std::monostate>(all.size());
}

idempotency_store::idempotency_store(database& db, std::string_view schema, settings s) : impl_(std::make_shared<impl>(db, schema, s)) {}
idempotency_store::~idempotency_store() = default;

task<claimed> idempotency_store::claim(std::string caller, std::string key, std::string fingerprint) {
    const auto self = impl_;
    const auto combined = self->here(co_await asio::this_coro::executor).claiming;
    co_return co_await impl::claims::submit(combined, {std::move(caller), std::move(key), std::move(fingerprint)});
}

task<void> idempotency_store::finish(std::string caller, std::string key, stored_answer a) {
    const auto self = impl_;
    const auto combined = self->here(co_await asio::this_coro::executor).finishing;
    co_await impl::finishes::submit(combined, {std::move(caller), std::move(key), std::move(a)});
}

task<void> idempotency_store::abandon(std::string caller, std::string key) {
    co_await impl_->database_.query(impl_->abandon_, params(caller, key));
}

task<std::int64_t> idempotency_store::purge() {
    const auto gone = co_await impl_->database_.query(impl_->purge_, params(seconds_f(impl_->settings_.keep).count(), purge_batch));
    co_return gone.affected();
}

}  // namespace bv::pg
