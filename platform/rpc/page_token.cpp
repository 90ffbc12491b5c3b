#include "platform/rpc/page_token.hpp"

#include <cstdint>

#include "platform/core/uuid.hpp"
#include "platform/rpc/json_reader.hpp"

namespace bv::rpc {
namespace {

constexpr std::size_t check_bytes = 8;

// Ties the position to its list: the first bytes of a SHA-256.
std::string check_of(std::string_view list, std::string_view position) {
    std::string name = "page_token 1 ";
    name += std::to_string(list.size());
    name += ' ';
    name += list;
    name += position;
    const uuid hash = uuid::named(name);
    return {reinterpret_cast<const char*>(hash.bytes.data()), check_bytes};
}

std::string base64url(std::string_view bytes) {
    std::string quoted;
    json::writer to(quoted);
    to.bytes(bytes);
    to.finish();
    std::string out = quoted.substr(1, quoted.size() - 2);
    while (!out.empty() && out.back() == '=') out.pop_back();
    for (char& c : out) c = c == '+' ? '-' : c == '/' ? '_' : c;
    return out;
}

// Each part behind its length in two bytes.
bool split(std::string_view bytes, std::vector<std::string>& parts) {
    while (!bytes.empty()) {
        if (bytes.size() < 2) return false;
        const auto size = static_cast<std::size_t>(static_cast<unsigned char>(bytes[0])) << 8 | static_cast<unsigned char>(bytes[1]);
        bytes.remove_prefix(2);
        if (bytes.size() < size) return false;
        parts.emplace_back(bytes.substr(0, size));
        bytes.remove_prefix(size);
    }
    return true;
}

}  // namespace

std::string page_token(std::string_view list, std::span<const std::string> position) {
    std::string bytes;
    for (const std::string& part : position) {
        const std::size_t size = part.size();
        if (size > 0xFFFF) throw failure(code::internal, "PAGE_TOKEN_TOO_LONG", "a sort key of more than 65535 bytes cannot be a page position");
        bytes += static_cast<char>(size >> 8);
        bytes += static_cast<char>(size & 255);
        bytes += part;
    }
    return base64url(check_of(list, bytes) + bytes);
}

result<std::vector<std::string>> parse_page_token(std::string_view list, std::string_view token) {
    std::vector<std::string> position;
    if (token.empty()) return position;
    std::string bytes;
    const bool whole = token.find_first_of("+/=") == token.npos && json::decode_base64(token, bytes) && bytes.size() >= check_bytes;
    if (whole && check_of(list, std::string_view(bytes).substr(check_bytes)) == bytes.substr(0, check_bytes) &&
        split(std::string_view(bytes).substr(check_bytes), position))
        return position;
    return invalid({{"pageToken", "is not a token of this list; take nextPageToken as it was given, with the same filter"}});
}

}  // namespace bv::rpc
