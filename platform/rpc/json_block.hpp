// Sixteen bytes of JSON text at a time: where a string ends, what it must escape, and whether a key is the expected one.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace bv::json {

// Masks have bit i for byte i.
class block {
public:
    static constexpr std::size_t size = 16;

#if defined(__SSE2__)
    explicit block(const char* from) noexcept : bytes_(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from))) {}
    static block aligned(const char* from) noexcept { return block(_mm_load_si128(reinterpret_cast<const __m128i*>(from))); }
    block(std::uint64_t low, std::uint64_t high) noexcept : bytes_(_mm_set_epi64x(static_cast<long long>(high), static_cast<long long>(low))) {}
    void store(char* to) const noexcept { _mm_storeu_si128(reinterpret_cast<__m128i*>(to), bytes_); }
    // Quotes, backslashes and control characters: what ends the plain part of a string.
    [[nodiscard]] unsigned special() const noexcept { return mask(specials()); }
    // The same and DEL, which is escaped in what is written.
    [[nodiscard]] unsigned to_escape() const noexcept { return mask(_mm_or_si128(specials(), _mm_cmpeq_epi8(bytes_, _mm_set1_epi8(0x7f)))); }
    // Bytes beyond ASCII.
    [[nodiscard]] unsigned high() const noexcept { return mask(bytes_); }
    [[nodiscard]] unsigned equal(const block& other) const noexcept { return mask(_mm_cmpeq_epi8(bytes_, other.bytes_)); }

private:
    explicit block(__m128i bytes) noexcept : bytes_(bytes) {}
    [[nodiscard]] __m128i specials() const noexcept {
        const __m128i quotes = _mm_cmpeq_epi8(bytes_, _mm_set1_epi8('"')), backslashes = _mm_cmpeq_epi8(bytes_, _mm_set1_epi8('\\'));
        const __m128i controls = _mm_cmpeq_epi8(_mm_min_epu8(bytes_, _mm_set1_epi8(0x1f)), bytes_);
        return _mm_or_si128(_mm_or_si128(quotes, backslashes), controls);
    }
    static unsigned mask(__m128i bytes) noexcept { return static_cast<unsigned>(_mm_movemask_epi8(bytes)); }
    __m128i bytes_;
#else
    explicit block(const char* from) noexcept { std::memcpy(bytes_, from, size); }
    static block aligned(const char* from) noexcept { return block(from); }
    block(std::uint64_t low, std::uint64_t high) noexcept {
        std::memcpy(bytes_, &low, sizeof low);
        std::memcpy(bytes_ + sizeof low, &high, sizeof high);
    }
    void store(char* to) const noexcept { std::memcpy(to, bytes_, size); }
    [[nodiscard]] unsigned special() const noexcept {
        return mask([](unsigned char c) { return c == '"' || c == '\\' || c < 32; });
    }
    [[nodiscard]] unsigned to_escape() const noexcept {
        return mask([](unsigned char c) { return c == '"' || c == '\\' || c < 32 || c == 0x7f; });
    }
    [[nodiscard]] unsigned high() const noexcept {
        return mask([](unsigned char c) { return c >= 0x80; });
    }
    [[nodiscard]] unsigned equal(const block& other) const noexcept {
        unsigned out = 0;
        for (std::size_t i = 0; i < size; ++i) out |= static_cast<unsigned>(bytes_[i] == other.bytes_[i]) << i;
        return out;
    }

private:
    template <class Test>
    [[nodiscard]] unsigned mask(Test test) const noexcept {
        unsigned out = 0;
        for (std::size_t i = 0; i < size; ++i) out |= static_cast<unsigned>(test(bytes_[i])) << i;
        return out;
    }
    unsigned char bytes_[size];
#endif
};

// How many bytes come before the first that a non-empty mask names.
[[nodiscard]] inline std::size_t before_first(unsigned mask) noexcept { return static_cast<std::size_t>(std::countr_zero(mask)); }

}  // namespace bv::json
