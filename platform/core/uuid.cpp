#include "platform/core/uuid.hpp"

#include <openssl/evp.h>

#include "platform/core/assert.hpp"
#include "platform/core/clock.hpp"

namespace bv {
namespace {

constexpr char digits[] = "0123456789abcdef";

constexpr int hex_value(char c) noexcept {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

constexpr bool dash_before(std::size_t byte) noexcept { return byte == 4 || byte == 6 || byte == 8 || byte == 10; }

void set_version(uuid& u, unsigned version) noexcept {
    u.bytes[6] = static_cast<std::uint8_t>((u.bytes[6] & 0x0FU) | (version << 4));
    u.bytes[8] = static_cast<std::uint8_t>((u.bytes[8] & 0x3FU) | 0x80U);
}

}  // namespace

std::string uuid::str() const {
    std::string out;
    out.reserve(36);
    for (std::size_t i = 0; i < 16; ++i) {
        if (dash_before(i)) out += '-';
        out += digits[bytes[i] >> 4];
        out += digits[bytes[i] & 0x0F];
    }
    return out;
}

std::optional<uuid> uuid::parse(std::string_view text) noexcept {
    if (text.size() != 36) return std::nullopt;
    uuid out;
    std::size_t at = 0;
    for (std::size_t i = 0; i < 16; ++i) {
        if (dash_before(i) && text[at++] != '-') return std::nullopt;
        const int high = hex_value(text[at]), low = hex_value(text[at + 1]);
        if (high < 0 || low < 0) return std::nullopt;
        out.bytes[i] = static_cast<std::uint8_t>(high << 4 | low);
        at += 2;
    }
    return out;
}

uuid uuid::v7(const clock& c, rng& r) {
    const auto since_epoch = c.now().time_since_epoch().count();
    BV_ASSERT(since_epoch >= 0);
    const auto micros = static_cast<std::uint64_t>(since_epoch);
    const std::uint64_t millis = micros / 1000;
    // 12 bits: the microseconds within the millisecond, scaled to 4096 (RFC 9562 section 6.2, method 3).
    const std::uint64_t fraction = micros % 1000 * 4096 / 1000;
    uuid out;
    for (std::size_t i = 0; i < 6; ++i) out.bytes[i] = static_cast<std::uint8_t>(millis >> (40 - 8 * i));
    out.bytes[6] = static_cast<std::uint8_t>(fraction >> 8);
    out.bytes[7] = static_cast<std::uint8_t>(fraction);
    const std::uint64_t random = r.next();
    std::memcpy(out.bytes.data() + 8, &random, sizeof random);
    set_version(out, 7);
    return out;
}

uuid uuid::named(std::string_view name) {
    std::array<std::uint8_t, EVP_MAX_MD_SIZE> digest{};
    unsigned size = 0;
    BV_ASSERT(EVP_Digest(name.data(), name.size(), digest.data(), &size, EVP_sha256(), nullptr) == 1);
    uuid out;
    std::memcpy(out.bytes.data(), digest.data(), out.bytes.size());
    set_version(out, 8);
    return out;
}

}  // namespace bv
