// Text of files whose encoding nobody states.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace bv::replay {

// The text as UTF-8 of at most `longest` bytes, never cut inside a character: what is no UTF-8 (RFC 3629) is taken for
// Latin-1. Control characters become spaces.
[[nodiscard]] std::string as_utf8(std::string_view, std::size_t longest);

}  // namespace bv::replay
