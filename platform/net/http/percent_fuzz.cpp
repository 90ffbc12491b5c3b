#include <string>

#include "platform/net/http/message.hpp"
#include "platform/testing/fuzz.hpp"

BV_FUZZ(percent) {
    const auto encoded = bv::http::percent_encode(bytes);
    const auto back = bv::http::percent_decode(encoded);
    BV_ASSERT(back && *back == bytes);
    for (const bool plus : {false, true})
        if (const auto decoded = bv::http::percent_decode(bytes, plus)) {
            BV_ASSERT(decoded->size() <= bytes.size());
            BV_ASSERT(bv::http::percent_decode(bv::http::percent_encode(*decoded), plus) == decoded);
        }
}
