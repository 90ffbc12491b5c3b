// Decoder of the chunked transfer coding (RFC 9112 section 7.1), fed with any cut of the bytes. Strict: CRLF only,
// extensions bounded and ignored, trailers checked for syntax, bounded and dropped. No I/O.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace bv::http {

class chunk_decoder {
public:
    enum class state : std::uint8_t {
        size, padding, extension, size_lf, data, data_cr, data_lf, trailer, trailer_line, trailer_lf, last_lf,
        done, malformed, too_large,
    };

    // Appends decoded bytes to body, which may grow to limit; returns how many of data's bytes were used.
    std::size_t put(std::string_view data, std::string& body, std::size_t limit);
    [[nodiscard]] bool done() const noexcept { return state_ == state::done; }
    [[nodiscard]] bool malformed() const noexcept { return state_ == state::malformed; }
    [[nodiscard]] bool too_large() const noexcept { return state_ == state::too_large; }
    void reset() noexcept { *this = {}; }

private:
    static constexpr int max_extension_bytes = 256, max_trailer_bytes = 8 * 1024;

    [[nodiscard]] state step(char c) noexcept;
    [[nodiscard]] state extended(char c) noexcept;
    [[nodiscard]] state trailing(char c) noexcept;

    std::uint64_t left_ = 0;  // of the chunk
    int digits_ = 0, extension_bytes_ = 0, trailer_bytes_ = 0;
    bool in_value_ = false;   // of a trailer line, past its colon
    state state_ = state::size;
};

}  // namespace bv::http
