// The secrets port on Vault: secrets in KV version 2, keys that encrypt keys wrapped by transit.
//
//   MOUNT/data/NAME/<secret's name>   {"value": text}, or {"base64": …} for bytes that are no plain text
//   keys                              the same, and the value is transit's ciphertext "vault:v3:…": KV alone does not open it
//
// What was read is kept in memory. While Vault is away it holds, and what was never read is an error.
#pragma once

#include <map>
#include <mutex>

#include "platform/core/clock.hpp"
#include "platform/security/secrets.hpp"
#include "platform/security/vault/client.hpp"

namespace bv::vault {

class store final : public security::secrets {
public:
    // The client has started, and outlives it.
    store(client&, clock&, rng&);

    [[nodiscard]] result<std::string> get(std::string_view name) override;
    [[nodiscard]] result<std::string> get_latest(std::string_view name) override;
    // Also wraps keys again that transit wrapped under an older version of its key.
    task<void> refresh() override;
    void put(std::string_view name, std::string_view value) override;
    std::string get_or_put(std::string_view name, std::string_view value) override { return put_unless_other(name, std::nullopt, value); }
    std::string replace(std::string_view name, std::string_view seen, std::string_view value) override { return put_unless_other(name, seen, value); }
    void remove(std::string_view name) override;
    [[nodiscard]] std::vector<std::string> names() override;
    [[nodiscard]] security::aead_key key(std::string_view name) override;

private:
    struct known {
        std::string value;
        steady_point at;
        bool is_key = false;
    };
    // What Vault has: the value, and the version that a check-and-set names (0: it never was there).
    struct entry {
        std::optional<std::string> value;
        std::int64_t version = 0;
    };
    [[nodiscard]] request read_request(std::string_view name) const;
    [[nodiscard]] request write_request(std::string_view name, std::string_view value, std::optional<std::int64_t> if_version) const;
    [[nodiscard]] result<entry> read_entry(std::string_view name);
    [[nodiscard]] result<std::string> ask_for(std::string_view name);
    // Where nothing is, or what was seen: then the value. The one that is there.
    std::string put_unless_other(std::string_view name, std::optional<std::string_view> seen, std::string_view value);
    [[nodiscard]] std::string wrap(std::string_view plain);
    [[nodiscard]] std::string unwrap(const std::string& wrapped, std::string_view name);
    task<void> wrap_again();
    task<void> wrap_again(std::string name, std::string wrapped);
    void remember(std::string_view name, std::string_view value);
    void forget(std::string_view name);
    [[nodiscard]] std::optional<known> in_memory(std::string_view name) const;

    client& client_;
    clock& clock_;
    rng& rng_;
    mutable std::mutex mutex_;
    std::map<std::string, known, std::less<>> memory_;
    steady_point versions_seen_{};
};

// "vault:v3:…" is 3; 0 for anything else.
[[nodiscard]] std::int64_t wrapping_version(std::string_view) noexcept;

}  // namespace bv::vault
