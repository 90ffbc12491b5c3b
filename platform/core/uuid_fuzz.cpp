#include <algorithm>
#include <cctype>

#include "platform/core/uuid.hpp"
#include "platform/testing/fuzz.hpp"

// One id has one text, but for the case of its letters.
BV_FUZZ(uuid) {
    if (const auto id = bv::uuid::parse(bytes)) {
        std::string lower(bytes);
        std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
        BV_ASSERT(id->str() == lower);
    }
    bv::uuid any;
    std::copy_n(bytes.begin(), std::min(bytes.size(), any.bytes.size()), any.bytes.begin());
    BV_ASSERT(bv::uuid::parse(any.str()) == any);
}
