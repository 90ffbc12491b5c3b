#include "platform/security/vault/store.hpp"

#include <algorithm>
#include <charconv>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "platform/security/digest.hpp"
#include "platform/security/encoding.hpp"
#include "platform/telemetry/log.hpp"

namespace bv::vault {

namespace json = boost::json;

namespace {

constexpr seconds fresh_for{8};          // longer than its users' pauses between two refreshes
constexpr seconds versions_every{20};    // between looks for a newer version of transit's key
constexpr int most_tries = 8;            // of a check-and-set that others are quicker than
constexpr std::string_view wrapped_sign = "vault:v";

[[noreturn]] void throw_malformed(std::string_view name) {
    throw failure(code::data_loss, "SECRET_MALFORMED", fmt::format("The secret {} in Vault has no text in its field \"value\": vault kv put … value=TEXT", name));
}

json::object document_of(std::string_view value) {
    const bool is_text = std::ranges::all_of(value, [](char c) { return c == '\n' || (c >= ' ' && c <= '~'); });
    return is_text ? json::object{{"value", value}} : json::object{{"base64", security::base64(value)}};
}

// Of the answer to a read.
std::optional<std::string> value_in(const json::value& body) {
    if (const auto* text = field(body, "data/data/value").if_string()) return std::string(*text);
    if (const auto* text = field(body, "data/data/base64").if_string()) return security::parse_base64(*text);
    return std::nullopt;
}

}  // namespace

std::int64_t wrapping_version(std::string_view text) noexcept {
    if (!text.starts_with(wrapped_sign)) return 0;
    text.remove_prefix(wrapped_sign.size());
    std::int64_t version = 0;
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), version);
    return ec == std::errc{} && end != text.data() + text.size() && *end == ':' ? version : 0;
}

store::store(client& c, clock& t, rng& r) : client_(c), clock_(t), rng_(r) {}

request store::read_request(std::string_view name) const {
    const auto& kv = client_.configured().kv;
    return {http::verb::get, fmt::format("{}/data/{}/{}", kv.mount, kv.name, name), {}};
}

request store::write_request(std::string_view name, std::string_view value, std::optional<std::int64_t> if_version) const {
    const auto& kv = client_.configured().kv;
    json::object body{{"data", document_of(value)}};
    if (if_version) body["options"] = json::object{{"cas", *if_version}};
    return {http::verb::post, fmt::format("{}/data/{}/{}", kv.mount, kv.name, name), std::move(body)};
}

result<store::entry> store::read_entry(std::string_view name) {
    const auto got = client_.call(read_request(name));
    if (!got) return std::unexpected(got.error());
    entry out;
    out.version = number_at(got->body, "data/metadata/version");
    if (!got->found) return out;
    out.value = value_in(got->body);
    if (!out.value) throw_malformed(name);
    return out;
}

result<std::string> store::ask_for(std::string_view name) {
    auto there = read_entry(name);
    if (!there && there.error().code == code::unavailable)
        if (auto kept = in_memory(name)) return std::move(kept->value);
    if (!there) throw failure(std::move(there.error()));
    if (there->value) {
        remember(name, *there->value);
        return std::move(*there->value);
    }
    forget(name);
    const auto& kv = client_.configured().kv;
    return fail(code::not_found, "SECRET_NOT_FOUND", fmt::format("There is no secret {}/{} in Vault's {}.", kv.name, name, kv.mount));
}

result<std::string> store::get(std::string_view name) {
    if (auto kept = in_memory(name); kept && (clock_.steady_now() - kept->at < fresh_for || client_.is_away())) return std::move(kept->value);
    return ask_for(name);
}

result<std::string> store::get_latest(std::string_view name) { return ask_for(name); }

void store::put(std::string_view name, std::string_view value) {
    if (auto done = client_.call(write_request(name, value, std::nullopt)); !done) throw failure(std::move(done.error()));
    remember(name, value);
}

std::string store::put_unless_other(std::string_view name, std::optional<std::string_view> seen, std::string_view value) {
    for (int tries = 1;; ++tries) {
        auto there = read_entry(name);
        if (!there) throw failure(std::move(there.error()));
        if (there->value && there->value != seen) {
            remember(name, *there->value);
            return std::move(*there->value);
        }
        auto done = client_.call(write_request(name, value, there->version));
        if (done) {
            remember(name, value);
            return std::string(value);
        }
        // Another process was quicker: what it put is there now.
        if (done.error().reason != "VAULT_CHANGED" || tries == most_tries) throw failure(std::move(done.error()));
    }
}

// The versions stay in Vault, where an operator may undelete them.
void store::remove(std::string_view name) {
    auto done = client_.call({http::verb::delete_, read_request(name).path, {}});
    if (!done) throw failure(std::move(done.error()));
    forget(name);
}

std::vector<std::string> store::names() {
    const auto& kv = client_.configured().kv;
    auto listed = client_.call({http::verb::get, fmt::format("{}/metadata/{}?list=true", kv.mount, kv.name), {}});
    if (!listed) throw failure(std::move(listed.error()));
    std::vector<std::string> out;
    const auto* keys = field(listed->body, "data/keys").if_array();
    for (const auto& k : keys != nullptr ? *keys : json::array{})
        if (const auto* name = k.if_string(); name != nullptr && !name->ends_with('/'))
            if (get(std::string_view(*name))) out.emplace_back(*name);  // deleted ones are listed too
    std::ranges::sort(out);
    return out;
}

std::string store::wrap(std::string_view plain) {
    const auto& transit = client_.configured().transit;
    if (!transit.given()) return std::string(plain);
    auto done = client_.call({http::verb::post, fmt::format("{}/encrypt/{}", transit.mount, transit.name), json::object{{"plaintext", security::base64(plain)}}});
    if (!done) throw failure(std::move(done.error()));
    auto out = text_at(done->body, "data/ciphertext");
    if (wrapping_version(out) == 0) throw failure(code::unavailable, "VAULT_BAD_ANSWER", fmt::format("Vault's {}/encrypt/{} answered no ciphertext.", transit.mount, transit.name));
    return out;
}

std::string store::unwrap(const std::string& wrapped, std::string_view name) {
    const auto& transit = client_.configured().transit;
    if (!transit.given())
        throw failure(code::failed_precondition, "VAULT_NO_TRANSIT", fmt::format("The secret {} was wrapped by Vault's transit, and vault.transit names no key: give MOUNT/KEY as it was.", name));
    auto done = client_.call({http::verb::post, fmt::format("{}/decrypt/{}", transit.mount, transit.name), json::object{{"ciphertext", wrapped}}});
    if (!done && done.error().reason == "VAULT_REFUSED")
        throw failure(code::data_loss, "KEYS_UNREADABLE",
                      fmt::format("The secret {} cannot be unwrapped: {}. It was wrapped by another key, or by a version that {}/keys/{} no longer decrypts.", name, done.error().message,
                                  transit.mount, transit.name));
    if (!done) throw failure(std::move(done.error()));
    auto text = text_at(done->body, "data/plaintext");
    auto plain = security::parse_base64(text);
    security::wipe(text);
    if (!plain) throw failure(code::unavailable, "VAULT_BAD_ANSWER", fmt::format("Vault's {}/decrypt/{} answered no plain text.", transit.mount, transit.name));
    return std::move(*plain);
}

security::aead_key store::key(std::string_view name) {
    auto kept = get(name);
    std::string stored;
    if (kept) {
        stored = std::move(*kept);
    } else {
        auto fresh = security::base64url(security::aead_key::generate(rng_).bytes());
        stored = get_or_put(name, wrap(fresh));
        security::wipe(fresh);
    }
    const bool wrapped = wrapping_version(stored) != 0;
    std::string plain = wrapped ? unwrap(stored, name) : stored;
    const auto out = security::parse_key(plain, name);
    // It came from another store, where it lay as it is.
    if (!wrapped && client_.configured().transit.given()) put(name, wrap(plain));
    security::wipe(plain);
    const std::lock_guard hold(mutex_);
    if (const auto it = memory_.find(name); it != memory_.end()) it->second.is_key = true;
    return out;
}

task<void> store::refresh() {
    std::vector<std::string> names;
    {
        const std::lock_guard hold(mutex_);
        for (const auto& [name, k] : memory_)
            if (clock_.steady_now() - k.at > fresh_for / 4) names.push_back(name);
    }
    for (const auto& name : names) {
        const auto got = co_await client_.ask(read_request(name));
        if (!got && got.error().code == code::unavailable) co_return;
        if (!got) {
            telemetry::warn("vault.secret_not_read", {{"secret", name}, {"reason", got.error().reason}});
            continue;
        }
        const auto value = value_in(got->body);
        if (got->found && value) remember(name, *value);
        else forget(name);
    }
    co_await wrap_again();
}

task<void> store::wrap_again() {
    const auto& transit = client_.configured().transit;
    if (!transit.given() || clock_.steady_now() - versions_seen_ < versions_every) co_return;
    const auto seen = co_await client_.ask({http::verb::get, fmt::format("{}/keys/{}", transit.mount, transit.name), {}});
    if (!seen || !seen->found) co_return;
    versions_seen_ = clock_.steady_now();
    const auto latest = number_at(seen->body, "data/latest_version");
    std::vector<std::pair<std::string, std::string>> old;
    {
        const std::lock_guard hold(mutex_);
        for (const auto& [name, k] : memory_)
            if (k.is_key && wrapping_version(k.value) != 0 && wrapping_version(k.value) < latest) old.emplace_back(name, k.value);
    }
    for (auto& [name, wrapped] : old) co_await wrap_again(name, std::move(wrapped));
}

// The key itself does not leave Vault, nor does what it wraps.
task<void> store::wrap_again(std::string name, std::string wrapped) {
    const auto& transit = client_.configured().transit;
    const auto there = co_await client_.ask(read_request(name));
    if (!there || value_in(there->body) != wrapped) co_return;
    const auto version = number_at(there->body, "data/metadata/version");
    const auto again = co_await client_.ask({http::verb::post, fmt::format("{}/rewrap/{}", transit.mount, transit.name), json::object{{"ciphertext", wrapped}}});
    if (!again || wrapping_version(text_at(again->body, "data/ciphertext")) == 0) co_return;
    const auto fresh = text_at(again->body, "data/ciphertext");
    const auto done = co_await client_.ask(write_request(name, fresh, version));
    if (!done) co_return;  // another process was quicker, or it is tried again
    remember(name, fresh);
    telemetry::info("vault.key_wrapped_again", {{"secret", name}, {"version", wrapping_version(fresh)}});
}

void store::remember(std::string_view name, std::string_view value) {
    const std::lock_guard hold(mutex_);
    auto it = memory_.find(name);
    if (it == memory_.end()) it = memory_.emplace(std::string(name), known{}).first;
    it->second.value = value;
    it->second.at = clock_.steady_now();
}

void store::forget(std::string_view name) {
    const std::lock_guard hold(mutex_);
    if (const auto it = memory_.find(name); it != memory_.end()) memory_.erase(it);
}

std::optional<store::known> store::in_memory(std::string_view name) const {
    const std::lock_guard hold(mutex_);
    const auto it = memory_.find(name);
    return it == memory_.end() ? std::nullopt : std::optional(it->second);
}

}  // namespace bv::vault
