// The secret id of an AppRole: read from its file at each log-in, or wrapped in a token that opens it once.
#pragma once

#include <functional>
#include <string>

#include "platform/core/task.hpp"
#include "platform/security/vault/client.hpp"

namespace bv::vault {

class secret_id_source {
public:
    // An exchange with Vault, by the token; empty: by none. Errors as client::ask has them.
    using exchange = std::function<task<result<answer>>(request, std::string token)>;
    // The options outlive it.
    secret_id_source(const options& o, exchange e) : options_(o), exchange_(std::move(e)) {}

    // One call at a time. Errors: FAILED_PRECONDITION "VAULT_SECRET_ID" (no file, or no token in it), "VAULT_WRAPPED_SECRET_ID" (the
    // token has ended, was opened by another, or wraps something else); what read_private_file throws; UNAVAILABLE when Vault is away.
    task<result<std::string>> get();

private:
    task<result<std::string>> unwrap();
    task<result<void>> check(std::string token);
    [[nodiscard]] error not_whole(std::string_view why) const;

    const options& options_;
    exchange exchange_;
    std::string opened_{}, kept_{};  // the wrapping token that was opened last, and what was in it
};

}  // namespace bv::vault
