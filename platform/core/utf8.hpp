// UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing beyond U+10FFFF.
#pragma once

#include <cstddef>
#include <string_view>

namespace bv {

// Bytes of the first sequence of a text that is not empty; 0: it is malformed.
[[nodiscard]] std::size_t utf8_sequence(std::string_view) noexcept;
[[nodiscard]] bool is_utf8(std::string_view) noexcept;

}  // namespace bv
