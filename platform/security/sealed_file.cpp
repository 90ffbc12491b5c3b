#include <map>
#include <optional>

#include "platform/security/digest.hpp"
#include "platform/security/encoding.hpp"
#include "platform/security/private_file.hpp"
#include "platform/security/secrets.hpp"

namespace bv::security {

namespace {

constexpr std::string_view magic = "BVS1";

using entries = std::map<std::string, std::string, std::less<>>;

void append_sized(std::string& out, std::string_view text) {
    for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(text.size() >> shift & 255);
    out += text;
}

std::optional<std::string> take_sized(std::string_view& rest) {
    if (rest.size() < 4) return std::nullopt;
    std::size_t size = 0;
    for (const char c : rest.substr(0, 4)) size = size << 8 | static_cast<unsigned char>(c);
    if (rest.size() - 4 < size) return std::nullopt;
    std::string out(rest.substr(4, size));
    rest.remove_prefix(4 + size);
    return out;
}

// Reads the file on every call: secrets are read seldom, and another process may have written.
class sealed_file final : public secrets {
public:
    sealed_file(std::filesystem::path folder, rng& random) : folder_(std::move(folder)), random_(random), master_(open_master()) {
        (void)load();  // a wrong master key is told at the start, not at the first use
    }

    result<std::string> get(std::string_view name) override {
        const entries all = load();
        const auto found = all.find(name);
        if (found == all.end())
            return fail(code::not_found, "SECRET_NOT_FOUND", "There is no secret " + std::string(name) + " in " + file().string() + ".");
        return found->second;
    }

    void put(std::string_view name, std::string_view value) override {
        const file_lock lock(lock_file());
        entries all = load();
        all.insert_or_assign(std::string(name), std::string(value));
        store(all);
    }

    std::string get_or_put(std::string_view name, std::string_view value) override {
        const file_lock lock(lock_file());
        entries all = load();
        const auto [at, added] = all.try_emplace(std::string(name), value);
        if (added) store(all);
        return at->second;
    }

    std::string replace(std::string_view name, std::string_view seen, std::string_view value) override {
        const file_lock lock(lock_file());
        entries all = load();
        const auto [at, added] = all.try_emplace(std::string(name), value);
        if (!added && at->second != seen) return at->second;
        at->second = value;
        store(all);
        return at->second;
    }

    void remove(std::string_view name) override {
        const file_lock lock(lock_file());
        entries all = load();
        if (all.erase(std::string(name)) > 0) store(all);
    }

    std::vector<std::string> names() override {
        std::vector<std::string> out;
        for (const auto& [name, value] : load()) out.push_back(name);
        return out;
    }

private:
    [[nodiscard]] std::filesystem::path file() const { return folder_ / "secrets.sealed"; }
    [[nodiscard]] std::filesystem::path lock_file() const { return folder_ / "secrets.lock"; }

    aead_key open_master() {
        const std::filesystem::path path = folder_ / "master.key";
        std::error_code ec;
        std::filesystem::create_directories(folder_, ec);
        if (ec) throw failure(code::unavailable, "SECRETS_IO", "Cannot create " + folder_.string() + ": " + ec.message() + ".");
        const file_lock lock(lock_file());
        auto text = read_private_file(path);
        if (!text) {
            if (std::filesystem::exists(file(), ec))
                throw failure(code::failed_precondition, "MASTER_KEY_MISSING",
                              file().string() + " is there but " + path.string() +
                                  ", which opens it, is not: restore it from the backup, or remove both to begin anew.");
            const aead_key fresh = aead_key::generate(random_);
            write_private_file(path, base64url(fresh.bytes()) + "\n");
            text = read_private_file(path);
        }
        std::string_view trimmed = text ? std::string_view(*text) : std::string_view();
        if (trimmed.ends_with('\n')) trimmed.remove_suffix(1);
        const auto bytes = parse_base64url(trimmed);
        const auto key = bytes ? aead_key::from_bytes(*bytes) : std::nullopt;
        if (!key)
            throw failure(code::data_loss, "SECRETS_UNREADABLE", path.string() + " does not hold a key (43 characters of base64url): restore it.");
        return *key;
    }

    entries load() {
        const auto content = read_private_file(file());
        if (!content) return {};
        std::optional<std::string> plain;
        if (content->starts_with(magic)) plain = open(master_, std::string_view(*content).substr(magic.size()), magic);
        entries out;
        bool whole = plain.has_value();
        for (std::string_view rest = whole ? std::string_view(*plain) : std::string_view(); whole && !rest.empty();) {
            auto name = take_sized(rest);
            auto value = take_sized(rest);
            whole = name && value;
            if (whole) out.insert_or_assign(std::move(*name), std::move(*value));
        }
        if (plain) wipe(*plain);
        if (!whole)
            throw failure(code::data_loss, "SECRETS_UNREADABLE",
                          file().string() + " cannot be opened with master.key beside it: one of them was changed or belongs to another "
                                            "installation. Restore both from the same backup.");
        return out;
    }

    void store(const entries& all) {
        std::string plain;
        for (const auto& [name, value] : all) {
            append_sized(plain, name);
            append_sized(plain, value);
        }
        write_private_file(file(), std::string(magic) + seal(master_, plain, magic, random_));
        wipe(plain);
    }

    std::filesystem::path folder_;
    rng& random_;
    aead_key master_;
};

}  // namespace

std::unique_ptr<secrets> open_sealed_file(const std::filesystem::path& folder, rng& random) {
    return std::make_unique<sealed_file>(folder, random);
}

std::string random_secret(std::size_t bytes, rng& random) {
    std::string raw(bytes, '\0');
    random.fill({reinterpret_cast<std::uint8_t*>(raw.data()), raw.size()});
    std::string out = base64url(raw);
    wipe(raw);
    return out;
}

aead_key parse_key(std::string_view text, std::string_view name) {
    const auto bytes = parse_base64url(text);
    const auto key = bytes ? aead_key::from_bytes(*bytes) : std::nullopt;
    if (!key) throw failure(code::data_loss, "SECRET_MALFORMED", "The secret " + std::string(name) + " is not a key of 32 bytes in base64url.");
    return *key;
}

aead_key secrets::key(std::string_view name) { return parse_key(get_or_put(name, base64url(aead_key::generate().bytes())), name); }

}  // namespace bv::security
