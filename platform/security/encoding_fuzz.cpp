#include "platform/security/encoding.hpp"

#include <algorithm>
#include <cctype>

#include "platform/testing/fuzz.hpp"

using namespace bv::security;

// What is written is read as it was, and a secret has one text only: a second one would pass by what is looked up by text.
BV_FUZZ(encoding) {
    BV_ASSERT(parse_base64url(base64url(bytes)) == bytes);
    BV_ASSERT(parse_hex(hex(as_bytes(bytes))) == bytes);
    if (const auto read = parse_base64url(bytes)) BV_ASSERT(base64url(*read) == bytes);
    if (const auto read = parse_hex(bytes)) {
        std::string lower(bytes);
        std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
        BV_ASSERT(hex(as_bytes(*read)) == lower);
    }
    if (bytes.size() <= 64) {
        const auto text = base62(as_bytes(bytes));
        BV_ASSERT(text.size() == base62_length(bytes.size()) && parse_base62(text, bytes.size()) == bytes);
    }
    for (const std::size_t length : {std::size_t{4}, std::size_t{16}, std::size_t{32}})
        if (const auto read = parse_base62(bytes, length)) BV_ASSERT(read->size() == length && base62(as_bytes(*read)) == bytes);
}
