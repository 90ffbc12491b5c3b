#include "platform/security/key_ring.hpp"

#include <algorithm>

#include <openssl/evp.h>

#include "platform/core/assert.hpp"
#include "platform/security/digest.hpp"
#include "platform/security/encoding.hpp"

namespace bv::security {

namespace {

constexpr std::size_t seed_size = 32;
constexpr std::size_t record_size = 8 + seed_size;
constexpr std::string_view sealing_context = "bitvelocity.key_ring.1";

struct free_pkey {
    void operator()(EVP_PKEY* k) const noexcept { ::EVP_PKEY_free(k); }
};
struct free_context {
    void operator()(EVP_MD_CTX* c) const noexcept { ::EVP_MD_CTX_free(c); }
};
using pkey = std::unique_ptr<EVP_PKEY, free_pkey>;
using context = std::unique_ptr<EVP_MD_CTX, free_context>;

}  // namespace

struct key_ring::key {
    std::string id;
    std::string public_key;  // x of the JWK, base64url
    std::string seed;
    time_point created{};
    pkey handle;             // OpenSSL's: safe to use from several threads as long as nobody changes it

    key(std::string secret_seed, time_point at) : seed(std::move(secret_seed)), created(at) {
        handle.reset(::EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, as_bytes(seed).data(), seed.size()));
        name_it();
    }
    explicit key(const key_ring::public_key& k) : created(k.created) {
        handle.reset(::EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, as_bytes(k.bytes).data(), k.bytes.size()));
        name_it();
    }
    void name_it() {
        std::array<std::uint8_t, 32> bytes{};
        std::size_t size = bytes.size();
        if (!handle || ::EVP_PKEY_get_raw_public_key(handle.get(), bytes.data(), &size) != 1)
            throw failure(code::internal, "CRYPTO_FAILED", "Ed25519: the key cannot be loaded.");
        public_key = base64url(bytes);
        // RFC 7638 section 3: the required members in alphabetical order without spaces.
        id = base64url(sha256("{\"crv\":\"Ed25519\",\"kty\":\"OKP\",\"x\":\"" + public_key + "\"}"));
    }
    ~key() { wipe(seed); }
    key(const key&) = delete;
    key& operator=(const key&) = delete;

    static std::shared_ptr<const key> generate(time_point now, rng& random) {
        std::string seed(seed_size, '\0');
        random.fill({reinterpret_cast<std::uint8_t*>(seed.data()), seed.size()});
        return std::make_shared<const key>(std::move(seed), now);
    }
};

key_ring::key_ring(keys_list keys) : keys_(std::move(keys)) { BV_ASSERT(!keys_.empty()); }
key_ring::~key_ring() = default;

std::shared_ptr<key_ring> key_ring::generate(time_point now, rng& random) {
    return std::shared_ptr<key_ring>(new key_ring({key::generate(now, random)}));
}

result<std::shared_ptr<key_ring>> key_ring::verifying(std::span<const public_key> given) {
    keys_list keys;
    for (const auto& k : given) {
        if (k.bytes.size() != seed_size) return fail(code::invalid_argument, "PUBLIC_KEY_MALFORMED", "An Ed25519 public key has 32 bytes.");
        keys.push_back(std::make_shared<const key>(k));
    }
    if (keys.empty()) return fail(code::invalid_argument, "PUBLIC_KEY_MALFORMED", "There must be at least one key to verify with.");
    return std::shared_ptr<key_ring>(new key_ring(std::move(keys)));
}

std::vector<key_ring::public_key> key_ring::public_keys() const {
    std::vector<public_key> out;
    for (const auto& k : snapshot()) out.push_back({parse_base64url(k->public_key).value(), k->created});
    return out;
}

std::string key_ring::sealed(const aead_key& under, rng& random) const {
    std::string plain;
    for (const auto& k : snapshot()) {
        const auto created = static_cast<std::uint64_t>(k->created.time_since_epoch().count());
        for (int shift = 56; shift >= 0; shift -= 8) plain += static_cast<char>(created >> shift & 255);
        plain += k->seed;
    }
    std::string out = seal(under, plain, sealing_context, random);
    wipe(plain);
    return out;
}

result<std::shared_ptr<key_ring>> key_ring::unseal(std::string_view sealed, const aead_key& under) {
    auto plain = open(under, sealed, sealing_context);
    if (!plain || plain->empty() || plain->size() % record_size != 0)
        return fail(code::data_loss, "SIGNING_KEYS_UNREADABLE",
                    "The signing keys cannot be opened: they were sealed under another key, or were changed.");
    keys_list keys;
    for (std::string_view rest = *plain; !rest.empty(); rest.remove_prefix(record_size)) {
        std::uint64_t created = 0;
        for (const char c : rest.substr(0, 8)) created = created << 8 | static_cast<unsigned char>(c);
        keys.push_back(std::make_shared<const key>(std::string(rest.substr(8, seed_size)),
                                                   time_point(microseconds(static_cast<std::int64_t>(created)))));
    }
    wipe(*plain);
    return std::shared_ptr<key_ring>(new key_ring(std::move(keys)));
}

std::string key_ring::jwks() const {
    std::string out = "{\"keys\":[";
    const keys_list all = snapshot();
    for (auto k = all.rbegin(); k != all.rend(); ++k) {
        if (k != all.rbegin()) out += ',';
        out += R"({"kty":"OKP","crv":"Ed25519","use":"sig","alg":"EdDSA","kid":")" + (*k)->id + R"(","x":")" + (*k)->public_key + "\"}";
    }
    return out += "]}";
}

std::vector<key_info> key_ring::keys() const {
    std::vector<key_info> out;
    for (const auto& k : snapshot()) out.push_back({k->id, key_state::verifying, k->created});
    out.back().state = key_state::active;
    return out;
}

void key_ring::rotate(time_point now, rng& random) {
    auto fresh = key::generate(now, random);
    const std::scoped_lock lock(mutex_);
    keys_.push_back(std::move(fresh));
    generation_.fetch_add(1, std::memory_order_release);
}

std::size_t key_ring::retire(time_point successor_before) {
    const std::scoped_lock lock(mutex_);
    std::size_t gone = 0;
    while (keys_.size() > 1 && keys_[1]->created < successor_before) {
        keys_.erase(keys_.begin());
        ++gone;
    }
    if (gone > 0) generation_.fetch_add(1, std::memory_order_release);
    return gone;
}

bool key_ring::adopt(const key_ring& other) {
    keys_list fresh = other.snapshot();
    const std::scoped_lock lock(mutex_);
    if (std::ranges::equal(keys_, fresh, {}, &key::id, &key::id)) return false;
    keys_ = std::move(fresh);
    generation_.fetch_add(1, std::memory_order_release);
    return true;
}

key_ring::keys_list key_ring::snapshot() const {
    const std::scoped_lock lock(mutex_);
    return keys_;
}

std::shared_ptr<const key_ring::key> key_ring::find(std::string_view id) const {
    const std::scoped_lock lock(mutex_);
    const auto found = std::ranges::find_if(keys_, [id](const auto& k) { return k->id == id; });
    return found == keys_.end() ? nullptr : *found;
}

std::string key_ring::active_key() const {
    const std::scoped_lock lock(mutex_);
    return keys_.back()->id;
}

std::optional<ed25519_signature> key_ring::sign(std::string_view id, std::string_view text) const {
    const auto k = find(id);
    if (!k || k->seed.empty()) return std::nullopt;
    ed25519_signature out{};
    std::size_t size = out.size();
    const context c(::EVP_MD_CTX_new());
    if (!c || ::EVP_DigestSignInit(c.get(), nullptr, nullptr, nullptr, k->handle.get()) != 1 ||
        ::EVP_DigestSign(c.get(), out.data(), &size, as_bytes(text).data(), text.size()) != 1 || size != out.size())
        throw failure(code::internal, "CRYPTO_FAILED", "Ed25519: signing failed.");
    return out;
}

key_ring::check key_ring::verify(std::string_view id, std::string_view text, std::string_view signature) const {
    const auto k = find(id);
    if (!k) return check::unknown_key;
    if (signature.size() != ed25519_signature{}.size()) return check::bad;
    const context c(::EVP_MD_CTX_new());
    if (!c || ::EVP_DigestVerifyInit(c.get(), nullptr, nullptr, nullptr, k->handle.get()) != 1)
        throw failure(code::internal, "CRYPTO_FAILED", "Ed25519: verification could not begin.");
    const int rc = ::EVP_DigestVerify(c.get(), as_bytes(signature).data(), signature.size(), as_bytes(text).data(), text.size());
    return rc == 1 ? check::good : check::bad;
}

}  // namespace bv::security
