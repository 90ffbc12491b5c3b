#include "platform/security/aead.hpp"

#include <algorithm>
#include <memory>

#include <openssl/evp.h>

#include "platform/core/error.hpp"
#include "platform/security/digest.hpp"
#include "platform/security/encoding.hpp"

namespace bv::security {

namespace {

constexpr std::size_t nonce_size = 12;
constexpr std::size_t tag_size = 16;

struct free_context {
    void operator()(EVP_CIPHER_CTX* c) const noexcept { ::EVP_CIPHER_CTX_free(c); }
};
using context = std::unique_ptr<EVP_CIPHER_CTX, free_context>;

// Fetched once: a look-up by name a message costs more than the encryption of a short one.
const EVP_CIPHER* cipher() {
    static EVP_CIPHER* const fetched = ::EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr);
    return fetched;
}

const unsigned char* data(std::string_view s) noexcept { return as_bytes(s).data(); }
unsigned char* data(std::string& s, std::size_t offset) noexcept { return reinterpret_cast<unsigned char*>(s.data()) + offset; }

void check(bool ok, const char* what) {
    if (!ok) throw failure(code::internal, "CRYPTO_FAILED", std::string("AES-256-GCM: ") + what + " failed.");
}

}  // namespace

aead_key aead_key::generate(rng& random) {
    aead_key out;
    random.fill(out.bytes_);
    return out;
}

std::optional<aead_key> aead_key::from_bytes(std::string_view bytes) noexcept {
    if (bytes.size() != size) return std::nullopt;
    aead_key out;
    std::ranges::copy(as_bytes(bytes), out.bytes_.begin());
    return out;
}

aead_key::~aead_key() { wipe(std::span<std::uint8_t>(bytes_)); }

std::string seal(const aead_key& key, std::string_view plain, std::string_view associated, rng& random) {
    std::string out(nonce_size + plain.size() + tag_size, '\0');
    random.fill({data(out, 0), nonce_size});
    const context c(::EVP_CIPHER_CTX_new());
    int n = 0;
    check(c && ::EVP_EncryptInit_ex2(c.get(), cipher(), data(key.bytes()), data(out, 0), nullptr) == 1, "initialisation");
    check(::EVP_EncryptUpdate(c.get(), nullptr, &n, data(associated), static_cast<int>(associated.size())) == 1, "associated data");
    check(::EVP_EncryptUpdate(c.get(), data(out, nonce_size), &n, data(plain), static_cast<int>(plain.size())) == 1, "encryption");
    check(::EVP_EncryptFinal_ex(c.get(), data(out, nonce_size + plain.size()), &n) == 1, "finish");
    check(::EVP_CIPHER_CTX_ctrl(c.get(), EVP_CTRL_GCM_GET_TAG, tag_size, data(out, nonce_size + plain.size())) == 1, "tag");
    return out;
}

std::optional<std::string> open(const aead_key& key, std::string_view sealed, std::string_view associated) {
    if (sealed.size() < aead_overhead) return std::nullopt;
    const std::string_view nonce = sealed.substr(0, nonce_size);
    const std::string_view text = sealed.substr(nonce_size, sealed.size() - aead_overhead);
    std::string tag(sealed.substr(sealed.size() - tag_size));
    std::string out(text.size(), '\0');
    const context c(::EVP_CIPHER_CTX_new());
    int n = 0;
    check(c && ::EVP_DecryptInit_ex2(c.get(), cipher(), data(key.bytes()), data(nonce), nullptr) == 1, "initialisation");
    check(::EVP_DecryptUpdate(c.get(), nullptr, &n, data(associated), static_cast<int>(associated.size())) == 1, "associated data");
    check(::EVP_DecryptUpdate(c.get(), data(out, 0), &n, data(text), static_cast<int>(text.size())) == 1, "decryption");
    check(::EVP_CIPHER_CTX_ctrl(c.get(), EVP_CTRL_GCM_SET_TAG, tag_size, data(tag, 0)) == 1, "tag");
    if (::EVP_DecryptFinal_ex(c.get(), data(out, out.size()), &n) != 1) {
        wipe(out);
        return std::nullopt;
    }
    return out;
}

}  // namespace bv::security
