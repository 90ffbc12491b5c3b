#include "platform/security/api_key.hpp"

#include <algorithm>

#include "platform/security/encoding.hpp"

namespace bv::security {

namespace {

constexpr std::string_view prefix = "bvk_";
constexpr std::size_t secret_bytes = 32;
constexpr std::size_t checksum_bytes = 4;

// Of the text before it: catches a wrong character in the id as well.
std::string checksum(std::string_view text) {
    const digest d = sha256(text);
    return base62(std::span(d).first(checksum_bytes));
}

}  // namespace

new_api_key mint_api_key(const uuid& id, rng& random) {
    std::array<std::uint8_t, secret_bytes> secret;
    random.fill(secret);
    std::string text = std::string(prefix) + base62(id.bytes) + "_" + base62(secret);
    text += checksum(text);
    new_api_key out{.text = std::move(text), .hash = sha256(as_text(secret))};
    wipe(secret);
    return out;
}

std::optional<parsed_api_key> parse_api_key(std::string_view text) {
    static const std::size_t id_length = base62_length(16);
    static const std::size_t secret_length = base62_length(secret_bytes);
    static const std::size_t checksum_length = base62_length(checksum_bytes);
    if (text.size() != prefix.size() + id_length + 1 + secret_length + checksum_length) return std::nullopt;
    if (!text.starts_with(prefix) || text[prefix.size() + id_length] != '_') return std::nullopt;
    if (checksum(text.substr(0, text.size() - checksum_length)) != text.substr(text.size() - checksum_length)) return std::nullopt;
    const auto id = parse_base62(text.substr(prefix.size(), id_length), 16);
    auto secret = parse_base62(text.substr(prefix.size() + id_length + 1, secret_length), secret_bytes);
    if (!id || !secret) return std::nullopt;
    parsed_api_key out{.hash = sha256(*secret)};
    std::ranges::copy(as_bytes(*id), out.id.bytes.begin());
    wipe(*secret);
    return out;
}

}  // namespace bv::security
