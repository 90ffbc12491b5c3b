#include "platform/net/http/fuzz_entry.hpp"
#include "platform/testing/fuzz.hpp"

BV_FUZZ(http_message) { bv::http::fuzz_http(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()); }
