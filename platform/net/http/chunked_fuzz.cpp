#include "platform/net/http/chunked.hpp"

#include <string>
#include <tuple>

#include "platform/testing/fuzz.hpp"

namespace {

constexpr std::size_t most_body = 512;

// How it ended, the body, and how many bytes it took, fed `step` at a time.
std::tuple<int, std::string, std::size_t> decoded(std::string_view bytes, std::size_t step) {
    bv::http::chunk_decoder decoder;
    std::string body;
    std::size_t used = 0;
    const auto ended = [&] { return decoder.done() ? 1 : decoder.malformed() ? 2 : decoder.too_large() ? 3 : 0; };
    while (used < bytes.size() && ended() == 0) {
        const auto piece = bytes.substr(used, step);
        const auto taken = decoder.put(piece, body, most_body);
        BV_ASSERT(taken <= piece.size() && (taken > 0 || ended() != 0));
        used += taken;
    }
    BV_ASSERT(body.size() <= most_body);
    return {ended(), body, ended() == 1 ? used : 0};
}

}  // namespace

// The end of a message must not depend on how it was cut: what is behind it is the next one.
BV_FUZZ(chunked) {
    const auto whole = decoded(bytes, bytes.size() + 1);
    const auto single = decoded(bytes, 1), pieces = decoded(bytes, 3);
    BV_ASSERT(std::get<0>(whole) == std::get<0>(single) && std::get<0>(whole) == std::get<0>(pieces));
    if (std::get<0>(whole) == 1) BV_ASSERT(whole == single && whole == pieces);
}
