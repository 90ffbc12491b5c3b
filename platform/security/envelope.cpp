#include "platform/security/envelope.hpp"

#include <algorithm>

#include "platform/security/encoding.hpp"

namespace bv::security {

namespace {

constexpr char version = 1;
constexpr std::size_t header_size = 5;
constexpr std::string_view wrapping_context = "bitvelocity.field_cipher.1";

void append_id(std::string& out, std::uint32_t id) {
    for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(id >> shift & 255);
}

std::uint32_t read_id(std::string_view four) noexcept {
    std::uint32_t id = 0;
    for (const char c : four.substr(0, 4)) id = id << 8 | static_cast<unsigned char>(c);
    return id;
}

std::string associated(std::string_view header, field_place place) {
    std::string out(header);
    return out.append(place.column).append(":").append(place.row);
}

}  // namespace

field_cipher field_cipher::generate(rng& random) {
    std::map<std::uint32_t, aead_key> keys;
    keys.emplace(1, aead_key::generate(random));
    return {std::move(keys), aead_key::generate(random)};
}

std::string field_cipher::wrapped(const aead_key& kek, rng& random) const {
    std::string plain(index_key_.bytes());
    for (const auto& [id, key] : keys_) {
        append_id(plain, id);
        plain += key.bytes();
    }
    std::string out = seal(kek, plain, wrapping_context, random);
    wipe(plain);
    return out;
}

result<field_cipher> field_cipher::unwrap(std::string_view wrapped, const aead_key& kek) {
    constexpr std::size_t entry = 4 + aead_key::size;
    auto plain = open(kek, wrapped, wrapping_context);
    if (!plain || plain->size() < aead_key::size + entry || (plain->size() - aead_key::size) % entry != 0)
        return fail(code::data_loss, "KEYS_UNREADABLE",
                    "The data keys cannot be unwrapped: they were wrapped under another key-encryption key, or were changed.");
    std::string_view rest = *plain;
    const auto index = aead_key::from_bytes(rest.substr(0, aead_key::size));
    rest.remove_prefix(aead_key::size);
    std::map<std::uint32_t, aead_key> keys;
    for (; !rest.empty(); rest.remove_prefix(entry)) keys.emplace(read_id(rest), *aead_key::from_bytes(rest.substr(4, aead_key::size)));
    field_cipher out(std::move(keys), *index);
    wipe(*plain);
    return out;
}

std::string field_cipher::encrypt(std::string_view plain, field_place place, rng& random) const {
    std::string out(1, version);
    append_id(out, current_key());
    return out += seal(keys_.rbegin()->second, plain, associated(out, place), random);
}

result<std::string> field_cipher::decrypt(std::string_view value, field_place place) const {
    const auto unreadable = [&] {
        return fail(code::data_loss, "FIELD_UNREADABLE",
                    "The encrypted value of " + std::string(place.column) + " in row " + std::string(place.row) +
                        " cannot be read: it was changed, or belongs to another row or column.");
    };
    if (value.size() < header_size + aead_overhead || value[0] != version) return unreadable();
    const std::uint32_t id = read_id(value.substr(1));
    const auto key = keys_.find(id);
    if (key == keys_.end())
        return fail(code::data_loss, "FIELD_KEY_UNKNOWN",
                    "The encrypted value of " + std::string(place.column) + " in row " + std::string(place.row) + " names data key " +
                        std::to_string(id) + ", which this process does not have.");
    auto plain = open(key->second, value.substr(header_size), associated(value.substr(0, header_size), place));
    if (!plain) return unreadable();
    return std::move(*plain);
}

bool field_cipher::is_stale(std::string_view value) const noexcept {
    return value.size() < header_size || value[0] != version || read_id(value.substr(1)) != current_key();
}

void field_cipher::rotate(rng& random) { keys_.emplace(current_key() + 1, aead_key::generate(random)); }

digest field_cipher::blind_index(std::string_view column, std::string_view text) const {
    std::string data(column);
    return hmac_sha256(index_key_.bytes(), data.append(1, '\0').append(text));
}

std::string normalised_email(std::string_view text) {
    constexpr std::string_view space = " \t\r\n";
    const auto first = text.find_first_not_of(space);
    if (first == std::string_view::npos) return {};
    std::string out(text.substr(first, text.find_last_not_of(space) - first + 1));
    std::ranges::transform(out, out.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    return out;
}

}  // namespace bv::security
