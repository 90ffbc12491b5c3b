// Invariants are asserted, always on. Input is never asserted: it is validated and refused.
#pragma once

namespace bv {
// Prints the condition, file and line to standard error and aborts.
[[noreturn]] void assertion_failed(const char* condition, const char* file, int line) noexcept;
}  // namespace bv

#define BV_ASSERT(condition) \
    ((condition) ? static_cast<void>(0) : ::bv::assertion_failed(#condition, __FILE__, __LINE__))
