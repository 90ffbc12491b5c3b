#include "platform/security/password.hpp"

#include <array>
#include <charconv>
#include <map>
#include <mutex>
#include <optional>
#include <tuple>

#include <argon2.h>

#include "platform/core/error.hpp"
#include "platform/security/digest.hpp"

namespace bv::security {

namespace {

constexpr std::size_t salt_bytes = 16;
constexpr std::size_t hash_bytes = 32;
// A hash in the store that asks for more was not made here: computing it would let whoever wrote it stop the process.
constexpr argon2_cost most{.memory_kib = 256 * 1024, .passes = 16, .lanes = 8};

bool take(std::string_view& text, std::string_view prefix) noexcept {
    if (!text.starts_with(prefix)) return false;
    text.remove_prefix(prefix.size());
    return true;
}

bool take(std::string_view& text, std::uint32_t& number) noexcept {
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (ec != std::errc{}) return false;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    return true;
}

std::optional<argon2_cost> cost_of(std::string_view encoded) noexcept {
    argon2_cost out;
    const bool ok = take(encoded, "$argon2id$v=19$m=") && take(encoded, out.memory_kib) && take(encoded, ",t=") &&
                    take(encoded, out.passes) && take(encoded, ",p=") && take(encoded, out.lanes) && take(encoded, "$");
    if (!ok) return std::nullopt;
    return out;
}

}  // namespace

std::string hash_password(std::string_view password, argon2_cost cost, rng& random) {
    if (password.size() > max_password_bytes)
        throw failure(code::invalid_argument, "PASSWORD_TOO_LONG",
                      "A password has at most " + std::to_string(max_password_bytes) + " bytes.");
    std::array<std::uint8_t, salt_bytes> salt;
    random.fill(salt);
    std::string out(::argon2_encodedlen(cost.passes, cost.memory_kib, cost.lanes, salt_bytes, hash_bytes, Argon2_id), '\0');
    const int rc = ::argon2id_hash_encoded(cost.passes, cost.memory_kib, cost.lanes, password.data(), password.size(), salt.data(),
                                           salt.size(), hash_bytes, out.data(), out.size());
    if (rc != ARGON2_OK)
        throw failure(code::internal, "PASSWORD_HASH_FAILED", std::string("Argon2id: ") + ::argon2_error_message(rc) + ".");
    out.resize(out.find('\0'));
    return out;
}

bool verify_password(std::string_view password, std::string_view encoded) {
    const auto cost = cost_of(encoded);
    if (!cost || cost->memory_kib > most.memory_kib || cost->passes > most.passes || cost->lanes > most.lanes) return false;
    if (password.size() > max_password_bytes || encoded.size() > 512) return false;
    const std::string terminated(encoded);
    const int rc = ::argon2id_verify(terminated.c_str(), password.data(), password.size());
    if (rc == ARGON2_MEMORY_ALLOCATION_ERROR || rc == ARGON2_THREAD_FAIL)
        throw failure(code::internal, "PASSWORD_HASH_FAILED", std::string("Argon2id: ") + ::argon2_error_message(rc) + ".");
    return rc == ARGON2_OK;
}

bool needs_rehash(std::string_view encoded, argon2_cost wanted) noexcept {
    const auto cost = cost_of(encoded);
    return !cost || *cost != wanted;
}

const std::string& dummy_password_hash(argon2_cost cost) {
    static std::mutex mutex;
    static std::map<std::tuple<std::uint32_t, std::uint32_t, std::uint32_t>, std::string> made;
    const std::scoped_lock lock(mutex);
    std::string& out = made[{cost.memory_kib, cost.passes, cost.lanes}];
    if (out.empty()) {
        std::string nobodys(32, '\0');
        system_rng().fill({reinterpret_cast<std::uint8_t*>(nobodys.data()), nobodys.size()});
        out = hash_password(nobodys, cost);
        wipe(nobodys);
    }
    return out;
}

}  // namespace bv::security
