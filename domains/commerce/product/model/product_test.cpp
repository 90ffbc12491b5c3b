#include "domains/commerce/product/model/product.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace bv::product {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr time_point noon{seconds(1'700'000'000)};
constexpr time_point later = noon + seconds(60);

product a_kettle() {
    return {"KETTLE-1", {"Kettle", "Boils water.", "kitchen", {{1'999, "EUR"_cur}, {1'799, "GBP"_cur}}, true}, 3, noon, noon};
}

std::vector<std::string> fields(const std::vector<field_violation>& v) {
    std::vector<std::string> out;
    for (const auto& x : v) out.push_back(x.field);
    return out;
}

struct unsound_case {
    const char* what;
    void (*spoil)(details&);
    std::vector<std::string> fields;
};

TEST(products, refuse_what_is_unsound_naming_the_field) {
    const std::vector<unsound_case> cases{
        {"sound", [](details&) {}, {}},
        {"blank name", [](details& d) { d.name = " \t"; }, {"product.name"}},
        {"NUL in the name", [](details& d) { d.name += '\0'; }, {"product.name"}},
        {"escape in the description", [](details& d) { d.description = "\x1b[31m"; }, {"product.description"}},
        {"line break in the description", [](details& d) { d.description = "one\ntwo"; }, {}},
        {"no price", [](details& d) { d.prices.clear(); }, {"product.prices"}},
        {"free", [](details& d) { d.prices[1].minor = 0; }, {"product.prices[1].minorUnits"}},
        {"negative", [](details& d) { d.prices[0].minor = -1; }, {"product.prices[0].minorUnits"}},
        {"a currency twice", [](details& d) { d.prices[1].currency = d.prices[0].currency; }, {"product.prices[1].currency"}},
        {"several at once", [](details& d) { d.name.clear(), d.prices.push_back({0, "EUR"_cur}); },
         {"product.name", "product.prices[2].minorUnits", "product.prices[2].currency"}},
    };
    for (const auto& c : cases) {
        auto d = a_kettle().is;
        c.spoil(d);
        EXPECT_EQ(fields(problems(d, "product")), c.fields) << c.what;
    }
}

struct change_case {
    const char* what;
    change c;
    void (*expect)(details&);  // null: no change
};

TEST(products, change_only_what_an_update_names_and_only_when_it_differs) {
    const std::vector<change_case> cases{
        {"nothing named", {}, nullptr},
        {"the same name", {.name = "Kettle"}, nullptr},
        {"another name", {.name = "Jug"}, [](details& d) { d.name = "Jug"; }},
        {"description cleared", {.description = ""}, [](details& d) { d.description.clear(); }},
        {"category", {.category = "tea"}, [](details& d) { d.category = "tea"; }},
        {"off sale", {.on_sale = false}, [](details& d) { d.on_sale = false; }},
        {"the same prices in another order", {.prices = std::vector<money>{{1'799, "GBP"_cur}, {1'999, "EUR"_cur}}}, nullptr},
        {"a price less", {.prices = std::vector<money>{{1'799, "GBP"_cur}}}, [](details& d) { d.prices = {{1'799, "GBP"_cur}}; }},
        {"a price more, sorted", {.prices = std::vector<money>{{2'099, "USD"_cur}, {1'799, "GBP"_cur}, {1'999, "EUR"_cur}}},
         [](details& d) { d.prices.push_back({2'099, "USD"_cur}); }},
    };
    for (const auto& c : cases) {
        const auto out = replaced(a_kettle(), with(a_kettle().is, c.c), later);
        EXPECT_EQ(out.has_value(), c.expect != nullptr) << c.what;
        if (!out || c.expect == nullptr) continue;
        auto expected = a_kettle();
        c.expect(expected.is);
        expected.version = 4;
        expected.updated_at = later;
        EXPECT_EQ(*out, expected) << c.what;
        EXPECT_EQ(out->etag(), "4");
    }
}

TEST(products, replaced_by_the_same_details_do_not_change) {
    auto same = a_kettle().is;
    std::ranges::reverse(same.prices);
    EXPECT_FALSE(replaced(a_kettle(), same, later));
    same.name = "Jug";
    EXPECT_EQ(replaced(a_kettle(), same, later)->version, 4);
}

TEST(products, never_seem_to_be_changed_before_they_were) {
    EXPECT_EQ(replaced(a_kettle(), with(a_kettle().is, {.name = "Jug"}), noon - seconds(5))->updated_at, noon);
}

}  // namespace
}  // namespace bv::product
