#include "platform/storage/redis/early_answers.hpp"

#include "platform/security/digest.hpp"
#include "platform/security/encoding.hpp"
#include "platform/storage/redis/early_answers.pb.h"

namespace bv::redis {

early_answers::early_answers(client& c, early_answers_options o)
    : redis_(c), options_(std::move(o)), served_(telemetry::count("bv_idempotency_early_answers_total", "Repeated requests answered from Redis")) {}

// Callers and keys are the client's words: of any length, and no secret to others.
std::string early_answers::name_of(const std::string& caller, const std::string& key) const {
    return options_.prefix + security::hex(security::sha256(caller + '\n' + key));
}

task<std::optional<resilience::stored_answer>> early_answers::find(std::string caller, std::string key, std::string fingerprint) {
    auto said = co_await redis_.call(command::on(name_of(caller, key), "GET"));
    KeptAnswer kept;
    if (!said || !said->is_text() || !kept.ParseFromString(said->text) || kept.fingerprint() != fingerprint) co_return std::nullopt;
    served_.add();
    co_return resilience::stored_answer{kept.status(), kept.content_type(), std::move(*kept.mutable_body()), kept.etag()};
}

task<void> early_answers::keep(std::string caller, std::string key, std::string fingerprint, resilience::stored_answer a) {
    if (a.body.size() > options_.most_bytes) co_return;
    KeptAnswer kept;
    kept.set_fingerprint(std::move(fingerprint));
    kept.set_status(a.status);
    kept.set_content_type(std::move(a.content_type));
    kept.set_body(std::move(a.body));
    kept.set_etag(std::move(a.etag));
    co_await redis_.send(command::on(name_of(caller, key), "SET", kept.SerializeAsString(), "PX", options_.ttl.count()));
}

}  // namespace bv::redis
