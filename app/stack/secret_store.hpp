// Where the platform's secrets are: a sealed file in its data directory, or Vault.
//
// The data directory remembers Vault in "vault.json", without anything secret: commands find it there, and a start that would make a
// second set of keys for the same data is refused.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string_view>

#include "platform/core/config.hpp"
#include "platform/security/certificate_authority.hpp"
#include "platform/security/secrets.hpp"
#include "platform/security/spiffe_id.hpp"
#include "platform/security/vault/client.hpp"

namespace bv::stack {

struct secret_store {
    std::unique_ptr<vault::client> vault{};  // null: the file
    std::unique_ptr<security::secrets> secrets{};
};

// Of the platform itself and of commands.
inline constexpr std::string_view platform_role = "platform";

// For a process of the platform: as the settings say. Logs in; blocks. Throws what open_sealed_file and vault::client::start do, and
// failure FAILED_PRECONDITION "SECRETS_ELSEWHERE" when the data directory's secrets are in the other kind of store, or another Vault.
// role: whose AppRole, where each has its own.
[[nodiscard]] secret_store open_secrets(const config&, const std::filesystem::path& data, std::string_view role = platform_role);
// For commands and processes beside it: as the settings say, or else as the data directory remembers.
[[nodiscard]] secret_store find_secrets(const config&, const std::filesystem::path& data, std::string_view role = platform_role);

[[nodiscard]] bool has_sealed_file(const std::filesystem::path& data);
// Puts what the sealed file has into the Vault of the settings, and the file aside. Gives how many there were. Throws failure
// FAILED_PRECONDITION "SECRETS_ELSEWHERE" when Vault has other values of the same names.
std::size_t move_to_vault(const config&, const std::filesystem::path& data);

// A certificate for a process of the role.
using certificate_source = std::function<security::svid(const security::spiffe_id&, time_point now, seconds life)>;
// From Vault's PKI, or from the authority in the secrets. The store outlives it.
[[nodiscard]] certificate_source certificates_from(secret_store&, const config&);

// Throws failure INVALID_ARGUMENT "INVALID_SETTING" when the settings of secrets and Vault cannot be used.
void check_secrets_settings(const config&);

}  // namespace bv::stack
