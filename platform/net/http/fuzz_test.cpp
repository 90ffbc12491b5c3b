#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "platform/core/clock.hpp"
#include "platform/net/http/fuzz_entry.hpp"

namespace bv::http {
namespace {

// Mutations of well-formed messages from a fixed seed: a short run of what a fuzzer does for long.
TEST(http_parsers, hold_their_properties_on_mutated_messages) {
    const std::string seeds[] = {
        "POST /a?b HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc",
        "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\nT: v\r\n\r\n",
        "GET http://x/ HTTP/1.1\r\nHost: x\r\nConnection: close, x\r\nExpect: 100-continue\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0 404 No\r\nContent-Length: 2\r\n\r\nno",
    };
    const std::string bytes = "\r\n\t :;,0aZ/\x7f\xff";
    seeded_rng random(7);
    for (int i = 0; i < 20'000; ++i) {
        auto text = seeds[random.below(std::size(seeds))];
        for (auto n = random.below(4); n-- > 0;) {
            const auto at = random.below(text.size());
            switch (random.below(4)) {
                case 0: text[at] = bytes[random.below(bytes.size())]; break;
                case 1: text.insert(at, 1, bytes[random.below(bytes.size())]); break;
                case 2: text.erase(at, 1 + random.below(3)); break;
                default: text.insert(at, text.substr(at, random.below(30))); break;
            }
            if (text.empty()) text = "\r";
        }
        SCOPED_TRACE(::testing::PrintToString(text));
        fuzz_http(reinterpret_cast<const std::uint8_t*>(text.data()), text.size());
    }
}

}  // namespace
}  // namespace bv::http
