// Hashes as bytea.
#pragma once

#include <algorithm>

#include "domains/identity/model/types.hpp"
#include "platform/core/assert.hpp"
#include "platform/storage/postgres/database.hpp"

namespace bv::identity {

[[nodiscard]] inline pg::bytes bytes_of(const secret_hash& h) { return {std::string(reinterpret_cast<const char*>(h.data()), h.size())}; }
[[nodiscard]] inline secret_hash hash_of(const pg::bytes& b) {
    secret_hash out{};
    BV_ASSERT(b.data.size() == out.size());
    std::ranges::transform(b.data, out.begin(), [](char c) { return static_cast<std::uint8_t>(c); });
    return out;
}

}  // namespace bv::identity
