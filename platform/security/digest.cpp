#include "platform/security/digest.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>

#include "platform/core/assert.hpp"
#include "platform/security/encoding.hpp"

namespace bv::security {

digest sha256(std::string_view data) {
    digest out;
    BV_ASSERT(::SHA256(as_bytes(data).data(), data.size(), out.data()) != nullptr);
    return out;
}

digest hmac_sha256(std::string_view key, std::string_view data) {
    digest out;
    unsigned size = 0;
    BV_ASSERT(::HMAC(::EVP_sha256(), key.data(), static_cast<int>(key.size()), as_bytes(data).data(), data.size(), out.data(), &size) != nullptr);
    BV_ASSERT(size == out.size());
    return out;
}

bool equal_in_constant_time(std::span<const std::uint8_t> a, std::span<const std::uint8_t> b) noexcept {
    return a.size() == b.size() && ::CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

bool equal_in_constant_time(std::string_view a, std::string_view b) noexcept {
    return equal_in_constant_time(as_bytes(a), as_bytes(b));
}

void wipe(std::span<std::uint8_t> bytes) noexcept { ::OPENSSL_cleanse(bytes.data(), bytes.size()); }
void wipe(std::string& text) noexcept {
    ::OPENSSL_cleanse(text.data(), text.size());
    text.clear();
}

}  // namespace bv::security
