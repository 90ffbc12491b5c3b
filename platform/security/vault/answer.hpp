// What Vault's HTTP API answers, as this platform reads it. Pure.
#pragma once

#include <string>
#include <string_view>

#include <boost/json/value.hpp>

#include "platform/core/error.hpp"

namespace bv::vault {

// Of a call that was served, or of something that is not there.
struct answer {
    bool found = true;           // false: 404
    boost::json::value body{};   // null where there is none
};

// `what`: "Vault at https://…: GET secret/data/x", for the error. Errors:
//   UNAVAILABLE          VAULT_SEALED, VAULT_UNINITIALIZED, VAULT_BUSY (a quota, or a standby), VAULT_ERROR, VAULT_BAD_ANSWER
//   PERMISSION_DENIED    VAULT_DENIED: the policy, or a token that has ended: the API does not tell which
//   ABORTED              VAULT_CHANGED: a check-and-set that came too late
//   FAILED_PRECONDITION  VAULT_NO_ROUTE: no engine is mounted there; VAULT_REFUSED: anything else that it does not do
[[nodiscard]] result<answer> read_answer(int status, std::string_view body, std::string_view what);

// A field by its path, "data/metadata/version"; null when it is not there.
[[nodiscard]] const boost::json::value& field(const boost::json::value&, std::string_view path) noexcept;
// The same as text or as a number; empty and 0 when it is not there or is something else.
[[nodiscard]] std::string text_at(const boost::json::value&, std::string_view path);
[[nodiscard]] std::int64_t number_at(const boost::json::value&, std::string_view path) noexcept;

}  // namespace bv::vault
