#include "platform/security/spiffe_id.hpp"

#include <gtest/gtest.h>

namespace bv::security {
namespace {

TEST(SpiffeId, IsReadAndWritten) {
    const auto id = parse_spiffe_id("spiffe://shop.example/order");
    ASSERT_TRUE(id);
    EXPECT_EQ(id->trust_domain, "shop.example");
    EXPECT_EQ(id->path, "/order");
    EXPECT_EQ(id->str(), "spiffe://shop.example/order");
    EXPECT_EQ(parse_spiffe_id("spiffe://a_b-1")->path, "");
    EXPECT_EQ(parse_spiffe_id("spiffe://shop/region/Order.v1")->path, "/region/Order.v1");
}

TEST(SpiffeId, WhatTheSpecificationForbidsIsRefused) {
    for (const char* text : {"", "spiffe://", "spiffe:///order", "https://shop/order", "SPIFFE://shop/order", "spiffe://Shop/order", "spiffe://shop:8443/order",
                             "spiffe://user@shop/order", "spiffe://shop/", "spiffe://shop//order", "spiffe://shop/order/", "spiffe://shop/./order", "spiffe://shop/..",
                             "spiffe://shop/or%64er", "spiffe://shop/order?x=1", "spiffe://shop/order#x", "spiffe://shop/ord er"})
        EXPECT_EQ(parse_spiffe_id(text).error().reason, "SPIFFE_ID_MALFORMED") << text;
    EXPECT_FALSE(parse_spiffe_id("spiffe://" + std::string(256, 'a')));
    EXPECT_FALSE(parse_spiffe_id("spiffe://a/" + std::string(2048, 'a')));
}

}  // namespace
}  // namespace bv::security
