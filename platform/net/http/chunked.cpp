#include "platform/net/http/chunked.hpp"

#include <algorithm>

#include "platform/net/http/syntax.hpp"

namespace bv::http {

std::size_t chunk_decoder::put(std::string_view data, std::string& body, std::size_t limit) {
    std::size_t used = 0;
    while (used < data.size() && state_ < state::done) {
        if (state_ != state::data) {
            state_ = step(data[used++]);
            if (state_ == state::data && left_ > limit - std::min(limit, body.size())) state_ = state::too_large;
            continue;
        }
        const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(left_, data.size() - used));
        body.append(data.substr(used, n));
        used += n;
        left_ -= n;
        if (left_ == 0) state_ = state::data_cr;
    }
    return used;
}

chunk_decoder::state chunk_decoder::step(char c) noexcept {
    switch (state_) {
        case state::size:
            if (const int digit = syntax::hex(c); digit >= 0) {
                if (++digits_ > 15) return state::malformed;
                left_ = left_ * 16 + static_cast<unsigned>(digit);
                return state::size;
            }
            if (digits_ == 0) return state::malformed;
            [[fallthrough]];
        case state::padding:
            if (c == ' ' || c == '\t') return ++extension_bytes_ <= max_extension_bytes ? state::padding : state::malformed;
            if (c == '\r') return state::size_lf;
            return c == ';' ? state::extension : state::malformed;
        case state::extension: return extended(c);
        case state::size_lf:
            if (c != '\n') return state::malformed;
            digits_ = 0;
            return left_ == 0 ? state::trailer : state::data;
        case state::data_cr: return c == '\r' ? state::data_lf : state::malformed;
        case state::data_lf: return c == '\n' ? state::size : state::malformed;
        case state::trailer:
        case state::trailer_line:
        case state::trailer_lf: return trailing(c);
        case state::last_lf: return c == '\n' ? state::done : state::malformed;
        case state::data:
        case state::done:
        case state::malformed:
        case state::too_large: break;
    }
    return state::malformed;
}

chunk_decoder::state chunk_decoder::extended(char c) noexcept {
    if (c == '\r') return state::size_lf;
    return syntax::is(c, syntax::value_bit) && ++extension_bytes_ <= max_extension_bytes ? state::extension : state::malformed;
}

chunk_decoder::state chunk_decoder::trailing(char c) noexcept {
    if (++trailer_bytes_ > max_trailer_bytes) return state::malformed;
    if (state_ == state::trailer_lf) return c == '\n' ? state::trailer : state::malformed;
    if (state_ == state::trailer) {
        if (c == '\r') return state::last_lf;
        in_value_ = false;
        return syntax::is(c, syntax::token_bit) ? state::trailer_line : state::malformed;
    }
    if (in_value_) return c == '\r' ? state::trailer_lf : syntax::is(c, syntax::value_bit) ? state::trailer_line : state::malformed;
    if (c == ':') in_value_ = true;
    return in_value_ || syntax::is(c, syntax::token_bit) ? state::trailer_line : state::malformed;
}

}  // namespace bv::http
