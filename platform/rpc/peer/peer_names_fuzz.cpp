// What a certificate may name its owner, and what a service says of whom it calls for.
#include "platform/rpc/peer/caller_text.hpp"
#include "platform/security/spiffe_id.hpp"
#include "platform/testing/fuzz.hpp"

BV_FUZZ(peer_names) {
    using namespace bv;
    if (const auto id = security::parse_spiffe_id(bytes)) {
        BV_ASSERT(id->str() == bytes && security::is_trust_domain(id->trust_domain));
        BV_ASSERT(id->path.empty() || (id->path.starts_with('/') && !id->path.ends_with('/') && !id->path.contains("/../")));
    } else {
        BV_ASSERT(id.error().reason == "SPIFFE_ID_MALFORMED" && !id.error().message.empty());
    }
    const auto who = rpc::parse_caller(bytes);
    if (!who) return;
    BV_ASSERT(who->name.empty());  // a service is named by its certificate
    const auto said = rpc::caller_text(*who);
    const auto again = rpc::parse_caller(said);
    BV_ASSERT(again && again->kind == who->kind && again->id == who->id && rpc::caller_text(*again) == said);
}
