// The keys of personal data: identity has the columns, audit the trail that remembers what stood in them.
#include <algorithm>

#include "app/operations/operations.hpp"
#include "platform/rpc/timestamp.hpp"

namespace bv::operations {

namespace {

constexpr int rows_at_once = 500;

// Values of the trail by key.
task<result<std::map<std::uint32_t, std::int64_t>>> history(app::modules& m) {
    bitvelocity::audit::v1::CountValuesRequest request;
    request.set_table(std::string(identity::service::encrypted_table));
    for (const auto c : identity::service::encrypted_columns()) request.add_columns(std::string(c));
    request.set_head_bytes(static_cast<int>(security::field_cipher::header_size));
    auto ctx = rpc::context::for_service("operations");
    const auto counted = co_await m.audit.contract().count_values(ctx, std::move(request));
    if (!counted) co_return std::unexpected(counted.error());
    std::map<std::uint32_t, std::int64_t> out;
    for (const auto& c : counted->counts())
        if (const auto key = security::field_cipher::key_of(c.head())) out[*key] += c.values();
    co_return out;
}

}  // namespace

task<result<contract::ListFieldKeysResponse>> service::list_field_keys(rpc::context&, contract::ListFieldKeysRequest) {
    if (!modules_.identity.held()) co_return not_here("identity");
    const auto keys = co_await modules_.identity.here().encryption_keys();
    const auto past = co_await history(modules_);
    if (!past) co_return std::unexpected(past.error());
    contract::ListFieldKeysResponse out;
    for (const auto& k : keys) {
        auto* key = out.add_keys();
        key->set_id(k.key.id);
        rpc::set_timestamp(*key->mutable_create_time(), k.key.created);
        key->set_current(k.current);
        key->set_values(k.values);
        if (const auto found = past->find(k.key.id); found != past->end()) key->set_history(found->second);
    }
    co_return out;
}

task<result<contract::RotateFieldKeyResponse>> service::rotate_field_key(rpc::context&, contract::RotateFieldKeyRequest) {
    if (!modules_.identity.held()) co_return not_here("identity");
    contract::RotateFieldKeyResponse out;
    out.set_id(co_await modules_.identity.here().rotate_encryption_key());
    co_return out;
}

task<result<contract::EncryptFieldsAgainResponse>> service::encrypt_fields_again(rpc::context&, contract::EncryptFieldsAgainRequest request) {
    if (!modules_.identity.held()) co_return not_here("identity");
    const identity::account_id after{request.after().empty() ? uuid{} : *uuid::parse(request.after())};
    const auto done = co_await modules_.identity.here().encrypt_again(after, request.batch_size() == 0 ? rows_at_once : request.batch_size());
    contract::EncryptFieldsAgainResponse out;
    out.set_values(done.values);
    if (done.next) out.set_next(done.next->str());
    co_return out;
}

task<result<contract::RetireFieldKeyResponse>> service::retire_field_key(rpc::context&, contract::RetireFieldKeyRequest request) {
    if (!modules_.identity.held()) co_return not_here("identity");
    const auto id = static_cast<std::uint32_t>(request.id());
    // Whether columns still need it is identity's to say, and said first.
    const auto keys = co_await modules_.identity.here().encryption_keys();
    const bool only_history = std::ranges::any_of(keys, [&](const auto& k) { return k.key.id == id && !k.current && k.values == 0; });
    if (only_history && !request.forget_history()) {
        const auto past = co_await history(modules_);
        if (!past) co_return std::unexpected(past.error());
        if (const auto found = past->find(id); found != past->end())
            co_return fail(code::failed_precondition, "FIELD_KEY_IN_TRAIL",
                           "The audit trail has " + std::to_string(found->second) + " values under key " + std::to_string(id) +
                               ". It is never changed, so the key is kept; with forget_history it goes, and those values are unreadable for ever.");
    }
    if (const auto done = co_await modules_.identity.here().retire_encryption_key(id); !done) co_return std::unexpected(done.error());
    co_return contract::RetireFieldKeyResponse{};
}

}  // namespace bv::operations
