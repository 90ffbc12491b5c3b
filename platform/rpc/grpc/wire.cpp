#include "platform/rpc/grpc/wire.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <utility>

#include <zlib.h>

#include "platform/net/http/compress.hpp"
#include "platform/net/http/syntax.hpp"
#include "platform/rpc/json_reader.hpp"

namespace bv::rpc::grpc {

namespace {

using http::syntax::hex;

constexpr std::string_view digits = "0123456789ABCDEF";
constexpr std::string_view base64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

constexpr std::array<std::pair<char, std::int64_t>, 6> units{{{'n', 1}, {'u', 1'000}, {'m', 1'000'000}, {'S', 1'000'000'000}, {'M', 60'000'000'000}, {'H', 3'600'000'000'000}}};
constexpr std::int64_t largest_number = 99'999'999;  // eight digits

std::uint32_t length_at(std::string_view at) noexcept {
    std::uint32_t n = 0;
    for (int i = 1; i < 5; ++i) n = n << 8 | static_cast<unsigned char>(at[static_cast<std::size_t>(i)]);
    return n;
}

}  // namespace

result<std::optional<std::string>> message_reader::next() {
    const auto rest = std::string_view(in_).substr(at_);
    if (rest.size() < prefix) return std::nullopt;
    const bool compressed = rest[0] == 1;
    if (rest[0] != 0 && !compressed) return fail(code::internal, "MALFORMED_FRAME", "A message must begin with 0, or 1 when it is compressed.");
    if (compressed && !known_) return fail(code::unimplemented, "UNKNOWN_ENCODING", "Messages may be compressed with gzip only; set grpc-encoding to gzip or identity.");
    if (compressed && !gzip_) return fail(code::internal, "MALFORMED_FRAME", "A message is marked compressed, but grpc-encoding names no compression.");
    const std::size_t length = length_at(rest);
    if (length > most_) return fail(code::resource_exhausted, "MESSAGE_TOO_LARGE", "A message of " + std::to_string(length) + " bytes is too large; at most " + std::to_string(most_) + " are taken.");
    if (rest.size() - prefix < length) return std::nullopt;
    auto message = std::string(rest.substr(prefix, length));
    at_ += prefix + length;
    if (at_ == in_.size()) in_.clear(), at_ = 0;
    else if (at_ > 64 * 1024) in_.erase(0, std::exchange(at_, 0));
    if (!compressed) return std::optional(std::move(message));
    auto whole = gunzip(message, most_);
    if (!whole) return fail(code::resource_exhausted, "MESSAGE_TOO_LARGE", "A compressed message is no gzip, or larger than " + std::to_string(most_) + " bytes when decompressed.");
    return whole;
}

void close_frame(std::string& framed, std::size_t at, bool compressed) {
    const std::size_t n = framed.size() - at - prefix;
    framed[at] = compressed ? 1 : 0;
    for (std::size_t i = 0; i < 4; ++i) framed[at + 4 - i] = static_cast<char>(n >> (8 * i) & 0xff);
}

std::string frame(std::string_view message, bool compress) {
    std::string out(prefix, '\0');
    if (compress) out += http::gzip(message);
    const bool pays = compress && out.size() - prefix < message.size();
    if (!pays) out.resize(prefix), out += message;
    close_frame(out, 0, pays);
    return out;
}

std::optional<std::chrono::nanoseconds> parse_timeout(std::string_view text) noexcept {
    if (text.size() < 2 || text.size() > 9) return std::nullopt;
    const auto unit = std::ranges::find(units, text.back(), &std::pair<char, std::int64_t>::first);
    std::uint32_t n = 0;
    const auto* end = text.data() + text.size() - 1;
    const auto parsed = std::from_chars(text.data(), end, n);
    if (unit == units.end() || parsed.ec != std::errc{} || parsed.ptr != end) return std::nullopt;
    constexpr auto most = std::numeric_limits<std::int64_t>::max() / 4;  // added to a time it is still one
    return std::chrono::nanoseconds(n > most / unit->second ? most : n * unit->second);
}

std::string format_timeout(std::chrono::nanoseconds left) {
    const auto ns = std::max<std::int64_t>(left.count(), 1);
    for (const auto& [unit, size] : units)
        if (ns / size <= largest_number) return std::to_string(std::max<std::int64_t>(ns / size, 1)) + unit;
    return std::to_string(largest_number) + 'H';
}

std::string encode_text(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    for (const char c : text) {
        if (c >= ' ' && c <= '~' && c != '%') {
            out += c;
        } else {
            const auto byte = static_cast<unsigned char>(c);
            out += '%', out += digits[byte >> 4], out += digits[byte & 15];
        }
    }
    return out;
}

std::string decode_text(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const bool escape = text[i] == '%' && i + 2 < text.size() && hex(text[i + 1]) >= 0 && hex(text[i + 2]) >= 0;
        out += escape ? static_cast<char>(hex(text[i + 1]) * 16 + hex(text[i + 2])) : text[i];
        if (escape) i += 2;
    }
    return out;
}

std::string encode_binary(std::string_view bytes) {
    std::string out;
    std::uint32_t bits = 0;
    int count = 0;
    for (const char c : bytes) {
        bits = bits << 8 | static_cast<unsigned char>(c);
        for (count += 8; count >= 6;) out += base64[bits >> (count -= 6) & 63];
    }
    if (count > 0) out += base64[bits << (6 - count) & 63];
    return out;
}

std::optional<std::string> decode_binary(std::string_view text) {
    std::string out;
    return json::decode_base64(text, out) ? std::optional(std::move(out)) : std::nullopt;
}

std::optional<std::string> gunzip(std::string_view in, std::size_t most) {
    z_stream z{};
    constexpr int gzip_window = 15 + 16;
    if (inflateInit2(&z, gzip_window) != Z_OK) return std::nullopt;
    z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(in.data()));
    z.avail_in = static_cast<uInt>(in.size());
    std::string out;
    std::array<char, 16 * 1024> piece;
    int outcome = Z_OK;
    while (outcome == Z_OK && out.size() <= most) {
        z.next_out = reinterpret_cast<Bytef*>(piece.data());
        z.avail_out = static_cast<uInt>(piece.size());
        outcome = inflate(&z, Z_NO_FLUSH);
        out.append(piece.data(), piece.size() - z.avail_out);
    }
    const bool whole = outcome == Z_STREAM_END && z.avail_in == 0 && out.size() <= most;
    inflateEnd(&z);
    return whole ? std::optional(std::move(out)) : std::nullopt;
}

}  // namespace bv::rpc::grpc
