#include "platform/security/envelope.hpp"

#include <algorithm>

#include "platform/security/encoding.hpp"

namespace bv::security {

namespace {

constexpr char version = 1;
constexpr std::string_view wrapping_context = "bitvelocity.field_cipher.2";
constexpr std::string_view undated_context = "bitvelocity.field_cipher.1";  // keys without the time of their making

void append_time(std::string& out, time_point at) {
    const auto count = static_cast<std::uint64_t>(at.time_since_epoch().count());
    for (int shift = 56; shift >= 0; shift -= 8) out += static_cast<char>(count >> shift & 255);
}

time_point read_time(std::string_view eight) noexcept {
    std::uint64_t count = 0;
    for (const char c : eight.substr(0, 8)) count = count << 8 | static_cast<unsigned char>(c);
    return time_point(microseconds(static_cast<std::int64_t>(count)));
}

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

field_cipher field_cipher::generate(time_point now, rng& random) {
    std::map<std::uint32_t, data_key> keys;
    keys.emplace(1, data_key{aead_key::generate(random), now});
    return {std::move(keys), aead_key::generate(random)};
}

std::string field_cipher::wrapped(const aead_key& kek, rng& random) const {
    std::string plain(index_key_.bytes());
    for (const auto& [id, data] : keys_) {
        append_id(plain, id);
        append_time(plain, data.created);
        plain += data.key.bytes();
    }
    std::string out = seal(kek, plain, wrapping_context, random);
    wipe(plain);
    return out;
}

result<field_cipher> field_cipher::unwrap(std::string_view wrapped, const aead_key& kek) {
    auto plain = open(kek, wrapped, wrapping_context);
    const bool dated = plain.has_value();
    if (!dated) plain = open(kek, wrapped, undated_context);
    const std::size_t before_key = dated ? 4 + 8 : 4, entry = before_key + aead_key::size;
    if (!plain || plain->size() < aead_key::size + entry || (plain->size() - aead_key::size) % entry != 0)
        return fail(code::data_loss, "KEYS_UNREADABLE",
                    "The data keys cannot be unwrapped: they were wrapped under another key-encryption key, or were changed.");
    std::string_view rest = *plain;
    const auto index = aead_key::from_bytes(rest.substr(0, aead_key::size));
    rest.remove_prefix(aead_key::size);
    std::map<std::uint32_t, data_key> keys;
    for (; !rest.empty(); rest.remove_prefix(entry))
        keys.emplace(read_id(rest), data_key{*aead_key::from_bytes(rest.substr(before_key, aead_key::size)), dated ? read_time(rest.substr(4)) : time_point{}});
    field_cipher out(std::move(keys), *index);
    wipe(*plain);
    return out;
}

std::string field_cipher::encrypt(std::string_view plain, field_place place, rng& random) const {
    std::string out = current_header();
    return out += seal(keys_.rbegin()->second.key, plain, associated(out, place), random);
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
    auto plain = open(key->second.key, value.substr(header_size), associated(value.substr(0, header_size), place));
    if (!plain) return unreadable();
    return std::move(*plain);
}

bool field_cipher::is_stale(std::string_view value) const noexcept {
    return key_of(value) != current_key();
}

void field_cipher::rotate(time_point now, rng& random) { keys_.emplace(current_key() + 1, data_key{aead_key::generate(random), now}); }

bool field_cipher::retire(std::uint32_t id) { return id != current_key() && keys_.erase(id) > 0; }

std::vector<field_key> field_cipher::keys() const {
    std::vector<field_key> out;
    for (const auto& [id, data] : keys_) out.push_back({id, data.created});
    return out;
}

std::string field_cipher::current_header() const {
    std::string out(1, version);
    append_id(out, current_key());
    return out;
}

std::optional<std::uint32_t> field_cipher::key_of(std::string_view value) noexcept {
    if (value.size() < header_size || value[0] != version) return std::nullopt;
    return read_id(value.substr(1));
}

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
