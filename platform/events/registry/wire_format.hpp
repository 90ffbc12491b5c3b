// The wire format of the Confluent schema registry for Protobuf: what stands before a message in a record's value.
//
//   0x00 | schema id, 4 bytes big-endian | message indexes | the message
//
// The indexes say which message of the schema it is, from the outermost in: their count and they themselves as zigzag varints; the
// first message of a schema, which is the common case, is the single byte 0 instead.
// https://docs.confluent.io/platform/current/schema-registry/fundamentals/serdes-develop/index.html#wire-format
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "platform/core/error.hpp"

namespace bv::events::registry {

struct framed {
    std::int32_t schema = 0;            // id
    std::vector<std::int32_t> message;  // indexes
    std::string_view payload;           // of the value
};

// No Protobuf message begins with this byte: it would be the tag of a field 0, which there is not.
[[nodiscard]] constexpr bool is_framed(std::string_view value) noexcept { return !value.empty() && value.front() == '\0'; }

[[nodiscard]] std::string frame_prefix(std::int32_t schema, std::span<const std::int32_t> message);

// Of a value that is framed. INVALID_ARGUMENT "MALFORMED_FRAME" saying what is wrong. The payload is a view of the value.
[[nodiscard]] result<framed> unframe(std::string_view value);

}  // namespace bv::events::registry
