#include "platform/rpc/page_token.hpp"

#include <gtest/gtest.h>

namespace bv::rpc {
namespace {

const std::vector<std::string> position{"2026-01-31T09:00:00Z", std::string("\0\xff", 2), ""};

TEST(PageToken, GivesThePositionBack) {
    const auto parsed = parse_page_token("orders?customer=7", page_token("orders?customer=7", position));
    ASSERT_TRUE(parsed);
    EXPECT_EQ(*parsed, position);
}

TEST(PageToken, IsSafeInAUrl) {
    EXPECT_EQ(page_token("orders", position).find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"), std::string::npos);
}

TEST(PageToken, AnEmptyOneIsTheFirstPage) {
    ASSERT_TRUE(parse_page_token("orders", ""));
    EXPECT_TRUE(parse_page_token("orders", "")->empty());
}

TEST(PageToken, OfAnotherListOrFilterIsRefused) {
    const auto parsed = parse_page_token("orders?customer=8", page_token("orders?customer=7", position));
    ASSERT_FALSE(parsed);
    EXPECT_EQ(parsed.error().code, code::invalid_argument);
    EXPECT_EQ(parsed.error().violations.at(0).field, "pageToken");
}

TEST(PageToken, DamagedAnywhereIsRefused) {
    const std::string token = page_token("orders", position);
    for (std::size_t i = 0; i + 1 < token.size(); ++i) {
        std::string damaged = token;
        damaged[i] = damaged[i] == 'A' ? 'B' : 'A';
        EXPECT_FALSE(parse_page_token("orders", damaged)) << i;
    }
    for (const char* text : {"x", "AAAA", "!!!!", "AAAAAAAAAAA="}) EXPECT_FALSE(parse_page_token("orders", text)) << text;
}

}  // namespace
}  // namespace bv::rpc
