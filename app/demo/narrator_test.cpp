#include "app/demo/narrator.hpp"

#include <gtest/gtest.h>

#include <sstream>

namespace bv::demo {
namespace {

std::string told(bool colours) {
    std::ostringstream out;
    narrator says(out, colours, milliseconds(0));
    says.scene("An order", "is placed.");
    says.asked("POST", "/v1/orders", "{}");
    says.answered(409, std::chrono::microseconds(1'500), "no");
    says.event(std::chrono::microseconds(12'340), "OrderPlaced", "accepted");
    says.change("stock", "5", "3");
    return out.str();
}

TEST(narrator, writes_plain_text_where_there_is_no_terminal) {
    EXPECT_EQ(told(false),
              "\n1. An order\n  is placed.\n"
              "  → POST /v1/orders  {}\n"
              "  ← 409 1.5 ms  no\n"
              "      +12.3 ms  OrderPlaced         accepted\n"
              "     stock: 5 → 3\n");
}

TEST(narrator, colours_on_a_terminal_only) {
    EXPECT_EQ(told(false).find('\x1b'), std::string::npos);
    EXPECT_NE(told(true).find("\x1b[31m← 409\x1b[0m"), std::string::npos);
}

}  // namespace
}  // namespace bv::demo
