// Methods called under an Idempotency-Key: the first answer is kept and given to every repeat.
#pragma once

#include <functional>
#include <mutex>
#include <set>
#include <string>
#include <utility>

#include "platform/net/http/message.hpp"
#include "platform/resilience/idempotency.hpp"
#include "platform/rpc/http_dispatch.hpp"

namespace bv::gateway {

// Thread-safe.
class idempotent_caller {
public:
    // early may be null. Both outlive it.
    explicit idempotent_caller(resilience::idempotency_store& store, resilience::early_answers* early = nullptr) : store_(store), early_(early) {}

    // Answers of 5xx, 429, 409, 401 and 403 are not kept: they say nothing about the request, so a repeat runs it again.
    // Anonymous callers are told apart by their address. `run` calls the method; its answer's status, type, body and ETag are kept.
    // request must outlive the task.
    task<result<http::response>> call(const http::request& request, rpc::principal caller, telemetry::span_context trace, std::function<task<http::response>()> run);

private:
    using claim = std::pair<std::string, std::string>;  // caller, key
    task<void> settle(claim, std::string fingerprint, const http::response&, telemetry::span_context);
    task<result<std::optional<resilience::stored_answer>>> claim_key(claim, std::string fingerprint);
    bool take_unsettled(const claim&);
    void remember_unsettled(claim);

    resilience::idempotency_store& store_;
    resilience::early_answers* early_;
    // Claims of this process whose request has ended and whose end could not be stored, because the store was away.
    // Without this they would keep every repeat waiting for their lease.
    std::mutex mutex_;
    std::set<claim> unsettled_;
};

}  // namespace bv::gateway
