#include "app/stack/secret_store.hpp"

#include <fstream>
#include <sstream>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "platform/security/digest.hpp"
#include "platform/security/private_file.hpp"
#include "platform/security/vault/issuer.hpp"
#include "platform/security/vault/store.hpp"

namespace bv::stack {

namespace fs = std::filesystem;
namespace json = boost::json;

namespace {

bool is_vault(const config& c) { return c.get<std::string>("secrets.backend") == "vault"; }

[[noreturn]] void invalid_setting(const char* key, std::string_view why) {
    throw failure(code::invalid_argument, "INVALID_SETTING", fmt::format("{}: {}", key, why));
}

vault::place place_of(const config& c, const char* key) {
    const auto text = c.get<std::string>(key);
    auto out = vault::parse_place(text);
    if (!out) invalid_setting(key, fmt::format("\"{}\" is not of the form MOUNT/NAME", text));
    return std::move(*out);
}

std::string of_role(std::string text, std::string_view role) {
    constexpr std::string_view place = "{role}";
    if (const auto at = text.find(place); at != text.npos) text.replace(at, place.size(), role);
    return text;
}

vault::options options_of(const config& c, std::string_view role) {
    vault::options o;
    o.address = c.get<std::string>("vault.address");
    o.ca_file = c.get<std::string>("vault.ca_file");
    o.approle = c.get<std::string>("vault.approle");
    o.role_id = of_role(c.get<std::string>("vault.role_id"), role);
    o.secret_id_file = of_role(c.get<std::string>("vault.secret_id_file"), role);
    o.wrapping_token_file = of_role(c.get<std::string>("vault.wrapping_token_file"), role);
    o.kv = place_of(c, "vault.kv");
    o.transit = place_of(c, "vault.transit");
    o.call_timeout = c.get<milliseconds>("vault.call_timeout");
    return o;
}

fs::path memory_of(const fs::path& data) { return data / "vault.json"; }

void remember(const fs::path& data, const vault::options& o) {
    const json::object all{{"address", o.address}, {"ca_file", o.ca_file.empty() ? "" : fs::absolute(o.ca_file).string()}, {"approle", o.approle}, {"role_id", o.role_id},
                           {"secret_id_file", o.secret_id_file.empty() ? "" : fs::absolute(o.secret_id_file).string()}, {"kv", o.kv.mount + '/' + o.kv.name},
                           {"transit", o.transit.given() ? o.transit.mount + '/' + o.transit.name : ""}, {"call_timeout_ms", o.call_timeout.count()}};
    security::write_private_file(memory_of(data), json::serialize(all) + '\n');  // a half-written one would keep every later start out
}

std::optional<vault::options> recall(const fs::path& data) {
    if (!fs::exists(memory_of(data))) return std::nullopt;
    std::ifstream in(memory_of(data));
    std::stringstream text;
    text << in.rdbuf();
    boost::system::error_code ec;
    const auto v = json::parse(text.str(), ec);
    // Going on with a sealed file would make other keys.
    if (ec || !v.is_object())
        throw failure(code::data_loss, "SECRETS_ELSEWHERE", fmt::format("{} says where in Vault the secrets are, and cannot be read. Restore it, or start once with the settings of Vault after removing it", memory_of(data).string()));
    vault::options o;
    o.address = vault::text_at(v, "address");
    o.ca_file = vault::text_at(v, "ca_file");
    o.approle = vault::text_at(v, "approle");
    o.role_id = vault::text_at(v, "role_id");
    o.secret_id_file = vault::text_at(v, "secret_id_file");
    o.kv = vault::parse_place(vault::text_at(v, "kv")).value_or(o.kv);
    o.transit = vault::parse_place(vault::text_at(v, "transit")).value_or(o.transit);
    o.call_timeout = milliseconds(vault::number_at(v, "call_timeout_ms"));
    return o;
}

[[noreturn]] void elsewhere(const std::string& why) { throw failure(code::failed_precondition, "SECRETS_ELSEWHERE", why); }

secret_store in_vault(vault::options o) {
    secret_store out;
    out.vault = std::make_unique<vault::client>(std::move(o), system_clock());
    out.vault->start();
    out.secrets = std::make_unique<vault::store>(*out.vault, system_clock(), system_rng());
    return out;
}

secret_store in_file(const fs::path& data) { return {nullptr, security::open_sealed_file(data / "secrets")}; }

}  // namespace

bool has_sealed_file(const fs::path& data) { return fs::exists(data / "secrets" / "secrets.sealed"); }

void check_secrets_settings(const config& c) {
    for (const char* key : {"vault.kv", "vault.transit", "vault.pki", "vault.database"}) (void)place_of(c, key);
    if (!is_vault(c)) return;
    if (const auto at = vault::parse_address(c.get<std::string>("vault.address")); !at) throw failure(at.error());
    for (const char* key : {"vault.role_id", "vault.kv", "vault.approle"})
        if (c.get<std::string>(key).empty()) invalid_setting(key, "secrets.backend=vault needs it");
    if (c.get<std::string>("vault.secret_id_file").empty() == c.get<std::string>("vault.wrapping_token_file").empty())
        invalid_setting("vault.secret_id_file", "secrets.backend=vault needs either this or vault.wrapping_token_file");
    if (!c.get<std::string>("vault.wrapping_token_file").empty() && c.get<std::string>("provider.url").empty())
        invalid_setting("vault.wrapping_token_file", "a token opens once, for one process, and the development payment provider is another: name one that runs already in provider.url");
}

secret_store open_secrets(const config& c, const fs::path& data, std::string_view role) {
    const auto known = recall(data);
    if (!is_vault(c)) {
        if (known && fs::exists(data / "vault"))
            elsewhere(fmt::format("the secrets of {} are in its private Vault: start with --with vault. A sealed file would begin with other keys, which do not open the data", data.string()));
        if (known)
            elsewhere(fmt::format("the secrets of {} are in Vault at {}: start with secrets.backend=vault and the settings of Vault. A sealed file would begin with other keys, which do not open the data",
                                  data.string(), known->address));
        return in_file(data);
    }
    auto o = options_of(c, role);
    if (!known && has_sealed_file(data))
        elsewhere(fmt::format("the secrets of {} are in its sealed file. Move them to Vault, with the settings of this start: bv secret --to-vault", data.string()));
    if (known && (known->kv.mount != o.kv.mount || known->kv.name != o.kv.name))
        elsewhere(fmt::format("the secrets of {} are in Vault under {}/{}, and vault.kv is {}/{}: copy them there first, then remove {}", data.string(), known->kv.mount, known->kv.name, o.kv.mount,
                              o.kv.name, memory_of(data).string()));
    auto out = in_vault(o);
    remember(data, o);
    return out;
}

secret_store find_secrets(const config& c, const fs::path& data, std::string_view role) {
    if (is_vault(c)) return in_vault(options_of(c, role));
    if (auto known = recall(data)) return in_vault(std::move(*known));
    return in_file(data);
}

std::size_t move_to_vault(const config& c, const fs::path& data) {
    if (!is_vault(c)) invalid_setting("secrets.backend", "it must be vault, with vault.address and the AppRole, to say where the secrets go");
    if (!has_sealed_file(data)) elsewhere(fmt::format("{} has no sealed file: there is nothing to move", data.string()));
    const auto file = security::open_sealed_file(data / "secrets");
    auto o = options_of(c, platform_role);
    const auto there = in_vault(o);
    const auto names = file->names();
    for (const auto& name : names) {
        auto value = *file->get(name);
        auto kept = there.secrets->get_or_put(name, value);
        const bool same = kept == value;
        security::wipe(value), security::wipe(kept);
        if (!same) elsewhere(fmt::format("Vault has another value of {} under {}/{}: it belongs to another platform. Choose another folder with vault.kv", name, o.kv.mount, o.kv.name));
    }
    remember(data, o);
    fs::rename(data / "secrets" / "secrets.sealed", data / "secrets" / "secrets.sealed.moved");
    return names.size();
}

certificate_source certificates_from(secret_store& from, const config& c) {
    const auto place = place_of(c, "vault.pki");
    if (from.vault && place.given())
        return [vault = from.vault.get(), place](const security::spiffe_id& id, time_point now, seconds life) { return vault::issue(*vault, place, id, now, life); };
    auto authority = std::make_shared<security::certificate_authority>(
        security::certificate_authority::open(*from.secrets, c.get<std::string>("peers.trust_domain"), system_clock().now()));
    return [authority](const security::spiffe_id& id, time_point now, seconds life) { return authority->issue(id, now, life); };
}

}  // namespace bv::stack
