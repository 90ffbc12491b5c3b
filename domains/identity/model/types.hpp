// What the identity service keeps: accounts, sessions, API keys.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "platform/core/clock.hpp"
#include "platform/core/uuid.hpp"

namespace bv::identity {

using account_id = strong_id<struct account_tag>;
using session_id = strong_id<struct session_tag>;
using api_key_id = strong_id<struct api_key_tag>;

// SHA-256 of a secret that we gave away and do not keep.
using secret_hash = std::array<std::uint8_t, 32>;

struct account {
    account_id id;
    std::string email;               // normalised; empty for imported accounts
    std::string display_name{};
    std::string country{};           // as the importer has it
    std::string external_reference{};  // the importer's number; empty for others
    std::optional<std::string> password_hash{};  // none: cannot log in
    std::vector<std::string> roles{};
    std::int64_t version = 1;
    time_point created_at{}, updated_at{};
};

struct session {
    session_id id;
    account_id account;
    secret_hash family{};   // of the part that all its refresh tokens share
    secret_hash current{};  // of the part that only the newest has
    time_point created_at{}, expires_at{};
    std::optional<time_point> ended_at{};
};

struct api_key {
    api_key_id id;
    std::string label;
    secret_hash secret{};
    std::vector<std::string> roles{};
    time_point created_at{};
    std::optional<time_point> expires_at{}, last_use_at{}, revoked_at{};

    [[nodiscard]] bool is_good(time_point now) const noexcept { return !revoked_at && (!expires_at || now < *expires_at); }
};

}  // namespace bv::identity
