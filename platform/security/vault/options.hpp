// Where Vault is, how to log in there, and which engines are for this platform.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "platform/core/clock.hpp"
#include "platform/core/error.hpp"

namespace bv::vault {

// "secret/bitvelocity": an engine's mount, and what is this platform's in it. The mount may have several parts.
struct place {
    std::string mount, name;
    [[nodiscard]] bool given() const noexcept { return !mount.empty(); }
};

// nullopt: not of the form MOUNT/NAME. An empty text is no place.
[[nodiscard]] std::optional<place> parse_place(std::string_view);

struct server_address {
    std::string host;
    std::uint16_t port = 8200;
    bool tls = true;
};

// "https://vault.internal:8200". INVALID_ARGUMENT "VAULT_ADDRESS", also for plain HTTP to another machine: every token would be
// there to read.
[[nodiscard]] result<server_address> parse_address(std::string_view);

struct options {
    std::string address;                       // as parse_address takes it
    std::string ca_file{};                     // PEM of the authority that the server's certificate is checked with; empty: the system's
    std::string approle = "approle";           // mount of the log-in
    std::string role_id{};
    std::filesystem::path secret_id_file{};    // read at each log-in: a new secret id counts without a restart
    // Instead: a token that opens a wrapped secret id once. It is opened at the first log-in and whenever another token lies there, and
    // its file removed; the secret id is nowhere but in this process.
    std::filesystem::path wrapping_token_file{};
    place kv{"secret", "bitvelocity"};         // version 2: mount, and the folder that the secrets are in
    place transit{"transit", "bitvelocity"};   // mount and key; none: keys lie in KV as they are
    milliseconds call_timeout{2'000};          // of one exchange
    milliseconds probe_interval{2'000};        // between looks whether the server is well
};

}  // namespace bv::vault
