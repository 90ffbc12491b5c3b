#include "platform/rpc/format.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace bv::rpc {
namespace {

struct format_case {
    rpc::format format;
    std::vector<std::string> good, bad;
};

TEST(Format, AcceptsAndRefuses) {
    const std::vector<format_case> table{
        {format::email,
         {"ada@example.com", "a.b+c@x.co.uk", "o'neil@example.org", "a@1.de"},
         {"ada", "@example.com", "ada@", "ada@localhost", "a..b@example.com", ".a@example.com", "a@-x.com", "a@x..com", "a b@example.com", "a@b@c.com ",
          std::string(65, 'a') + "@example.com", "ada@example.com\n"}},
        {format::uuid, {"0190b8a4-0000-7000-8000-000000000000", "0190B8A4-0000-7000-8000-00000000000F"}, {"0190b8a4", "0190b8a4-0000-7000-8000-00000000000g", "{0190b8a4-0000-7000-8000-000000000000}"}},
        {format::currency, {"GBP"}, {"gbp", "GB", "GBPP", "G1P"}},
        {format::slug, {"garden-tools", "a", "7up"}, {"-a", "a-", "a--b", "A", "a_b", "ä"}},
        {format::sku, {"85123A", "a.b_c-d", "M"}, {"-a", ".a", "a b", "a/b", std::string(65, 'a')}},
        {format::url, {"https://example.com", "http://localhost:8080/x?y=1#z", "https://a.b/c"}, {"ftp://x.y", "https://", "//x", "https://x y", "https://x:99999999", "javascript:alert(1)", "https://user@x.com"}},
        {format::country, {"GB"}, {"gb", "GBR", "G"}},
        {format::token, {"card_ok", "orders.read.any", "a-b"}, {"Card", "a..b", "_a", "a_", "a b"}},
        {format::text, {"Hello,\n\tworld", "ünïcode"}, {std::string("a\0b", 3), "a\x1b[0m", "\x7f"}},
        {format::phone, {"+442071234567"}, {"442071234567", "+1", "+0123456789", "+44 20", "+12345678901234567"}},
        {format::date, {"2026-01-31", "2024-02-29"}, {"2026-02-29", "2026-1-1", "2026-13-01", "2026-00-10", "26-01-01", "2026/01/01", "2026-01-0x"}},
    };
    for (const auto& [form, good, bad] : table) {
        for (const auto& text : good) EXPECT_TRUE(matches(form, text)) << demand(form) << ": " << text;
        for (const auto& text : bad) EXPECT_FALSE(matches(form, text)) << demand(form) << ": " << text;
        EXPECT_FALSE(matches(form, "") && form != format::text) << demand(form);
    }
}

}  // namespace
}  // namespace bv::rpc
