#include "domains/commerce/notification/model/letter.hpp"

#include <gtest/gtest.h>

#include <array>

namespace bv::notification {
namespace {

using value = std::pair<std::string_view, std::string>;

TEST(letter, takes_the_subject_from_the_first_line_and_fills_in_values) {
    const std::array values{value{"order", "A1"}, value{"total", "12.34 GBP"}};
    const auto l = fill_in("Subject: Order {{order}}\n\nOrder {{order}}: {{total}}\nbye\n", values);
    EXPECT_EQ(l.subject, "Order A1");
    EXPECT_EQ(l.text, "Order A1: 12.34 GBP\nbye\n");
}

TEST(letter, leaves_out_a_line_whose_placeholders_are_all_empty) {
    const std::array values{value{"a", ""}, value{"b", "x"}};
    EXPECT_EQ(fill_in("Subject: s\n\nfirst\nDetails: {{a}}\nboth: {{a}}{{b}}\n\nlast\n", values).text, "first\nboth: x\n\nlast\n");
}

TEST(letter, never_looks_for_placeholders_in_values) {
    const std::array values{value{"a", "{{b}} {{unknown}} {{"}, value{"b", "secret"}};
    EXPECT_EQ(fill_in("Subject: s\n\n{{a}}!\n", values).text, "{{b}} {{unknown}} {{!\n");
}

TEST(letter_death, asserts_that_templates_are_well_formed) {
    EXPECT_DEATH((void)fill_in("Subject: {{nobody}}\n\n", {}), "values.end");
    EXPECT_DEATH((void)fill_in("Hello\n\n", {}), "starts_with");
}

}  // namespace
}  // namespace bv::notification
