// Lists: filters, pages, full text, and the indexes behind them.
#include "domains/commerce/product/adapters/list_statement.hpp"
#include "domains/commerce/product/world_for_tests.hpp"
#include "platform/rpc/page_token.hpp"

namespace bv::product {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

struct lists : world {
    // All pages, with what `between` does between two of them.
    std::vector<std::string> walk(v1::ListProductsRequest r, const std::function<void(int)>& between = {}) {
        std::vector<std::string> out;
        for (int page = 0; page < 1'000; ++page) {
            const auto got = list(r);
            EXPECT_TRUE(got) << got.error().message;
            if (!got) break;
            for (const auto& p : got->products()) out.push_back(p.sku());
            if (got->next_page_token().empty()) break;
            r.set_page_token(got->next_page_token());
            if (between) between(page);
        }
        return out;
    }
    void fill(int n, const std::string& name = "Kettle") {
        for (int from = 0; from < n; from += 500) {
            std::vector<v1::Product> some;
            for (int i = from; i < std::min(n, from + 500); ++i) {
                auto p = a_product("P-" + std::to_string(i), name + (i % 3 == 0 ? " kettle" : ""), 100 + i);
                p.set_category("c-" + std::to_string(i % 7));
                if (i % 2 == 0) add_price(p, "EUR", 1'000 + i);
                some.push_back(std::move(p));
            }
            ASSERT_TRUE(upsert(some));
        }
    }
};

TEST_F(lists, pages_have_neither_gaps_nor_repeats_while_others_insert) {
    fill(505);
    std::set<std::string> expected;
    for (int i = 0; i < 505; ++i) expected.insert("P-" + std::to_string(i));
    v1::ListProductsRequest r;
    r.set_page_size(23);
    const auto seen = walk(r, [this](int page) {
        ASSERT_TRUE(upsert({a_product("A-" + std::to_string(page)), a_product("P-250-" + std::to_string(page)), a_product("Z-" + std::to_string(page))}));
    });
    EXPECT_TRUE(std::ranges::is_sorted(seen));
    std::set<std::string> once(seen.begin(), seen.end());
    EXPECT_EQ(once.size(), seen.size()) << "no repeats";
    EXPECT_TRUE(std::ranges::includes(once, expected)) << "no gaps";
    r.set_page_size(0);
    EXPECT_EQ(list(r)->products_size(), 50);
}

TEST_F(lists, ranked_pages_have_neither_gaps_nor_repeats) {
    fill(300);
    v1::ListProductsRequest r;
    r.set_query("kettle");
    r.set_page_size(17);
    const auto seen = walk(r);
    EXPECT_EQ(seen.size(), 300u);
    EXPECT_EQ(std::set<std::string>(seen.begin(), seen.end()).size(), 300u);
    EXPECT_EQ(seen.front(), "P-0") << "the word twice ranks first, by SKU among equals";
    EXPECT_EQ(seen[99], "P-99");
    EXPECT_EQ(seen[100], "P-1");
}

TEST_F(lists, filters_combine) {
    auto red = a_product("RED", "Red kettle", 1'000);
    auto blue = a_product("BLUE", "Blue kettle", 2'000);
    auto pot = a_product("POT", "Pot", 3'000);
    pot.set_category("garden");
    add_price(pot, "EUR", 50);
    auto gone = a_product("GONE", "Old kettle", 1'500);
    gone.set_on_sale(false);
    ASSERT_TRUE(upsert({red, blue, pot, gone}));

    struct filter_case {
        const char* what;
        void (*set)(v1::ListProductsRequest&);
        std::vector<std::string> expected;
    };
    const std::vector<filter_case> cases{
        {"none", [](auto&) {}, {"BLUE", "POT", "RED"}},
        {"category", [](auto& r) { r.set_category("kitchen"); }, {"BLUE", "RED"}},
        {"unknown category", [](auto& r) { r.set_category("attic"); }, {}},
        {"currency", [](auto& r) { r.set_currency("EUR"); }, {"POT"}},
        {"lowest price", [](auto& r) { r.set_currency("GBP"), r.set_min_price_minor_units(2'000); }, {"BLUE", "POT"}},
        {"highest price", [](auto& r) { r.set_currency("GBP"), r.set_max_price_minor_units(2'000); }, {"BLUE", "RED"}},
        {"both and category", [](auto& r) { r.set_currency("GBP"), r.set_min_price_minor_units(1'001), r.set_category("kitchen"); }, {"BLUE"}},
        {"query", [](auto& r) { r.set_query("kettles"); }, {"BLUE", "RED"}},
        {"query without a word", [](auto& r) { r.set_query("kettle -red"); }, {"BLUE"}},
        {"a phrase", [](auto& r) { r.set_query("\"red kettle\""); }, {"RED"}},
        {"either", [](auto& r) { r.set_query("pot or red"); }, {"POT", "RED"}},
        {"a SKU as query", [](auto& r) { r.set_query("blue"); }, {"BLUE"}},
        {"query, category, price", [](auto& r) { r.set_query("kettle"), r.set_category("kitchen"), r.set_currency("GBP"), r.set_max_price_minor_units(1'000); }, {"RED"}},
        {"stop words only", [](auto& r) { r.set_query("the"); }, {}},
        {"what is no query", [](auto& r) { r.set_query("'& | ! :*"); }, {}},
        {"off sale too", [](auto& r) { r.set_include_off_sale(true); }, {"BLUE", "GONE", "POT", "RED"}},
        {"off sale too, by query", [](auto& r) { r.set_include_off_sale(true), r.set_query("old"); }, {"GONE"}},
    };
    for (const auto& c : cases) {
        v1::ListProductsRequest r;
        c.set(r);
        auto found = skus(r);
        std::ranges::sort(found);
        EXPECT_EQ(found, c.expected) << c.what;
    }
}

TEST_F(lists, full_text_finds_words_of_name_sku_and_description_best_matches_first) {
    auto in_text = a_product("AAA", "Mug");
    in_text.set_description("Goes well with a kettle.");
    auto by_name = a_product("BBB", "Kettle");
    auto by_sku = a_product("KETTLE-17", "Thing");
    ASSERT_TRUE(upsert({in_text, by_name, by_sku}));
    v1::ListProductsRequest r;
    r.set_query("kettle");
    const auto found = skus(r);
    ASSERT_EQ(found.size(), 3u);
    EXPECT_EQ(found.back(), "AAA");
    r.set_query("KETTLE-17");
    EXPECT_THAT(skus(r), ElementsAre("KETTLE-17"));
}

// A token of the list without a filter, with any position in it: tokens are not secret, so anybody can make one.
std::string forged(const std::vector<std::string>& position) {
    return rpc::page_token("products/0:/0:/0:/1:0/19:9223372036854775807/7:on_sale", position);
}

TEST_F(lists, refuse_what_makes_no_sense) {
    const auto refused = [this](void (*set)(v1::ListProductsRequest&), const char* field) {
        v1::ListProductsRequest r;
        set(r);
        const auto got = list(r);
        ASSERT_FALSE(got) << field;
        EXPECT_EQ(got.error().code, code::invalid_argument);
        EXPECT_EQ(got.error().violations.at(0).field, field);
    };
    refused([](auto& r) { r.set_min_price_minor_units(5); }, "currency");
    refused([](auto& r) { r.set_currency("ZZZ"); }, "currency");
    refused([](auto& r) { r.set_currency("GBP"), r.set_min_price_minor_units(5), r.set_max_price_minor_units(4); }, "minPriceMinorUnits");
    refused([](auto& r) { r.set_query(std::string("a\0b", 3)); }, "query");
    refused([](auto& r) { r.set_page_token("nonsense"); }, "pageToken");
    refused([](auto& r) { r.set_page_token(forged({"\xff"})); }, "pageToken");
    refused([](auto& r) { r.set_page_token(forged({"RED", "7"})); }, "pageToken");
    EXPECT_TRUE(list([] {
        v1::ListProductsRequest r;
        r.set_page_token(forged({"RED"}));
        return r;
    }())) << "what is forged here is of the list, but for its position";
}

TEST_F(lists, a_page_token_belongs_to_its_filter) {
    fill(5);
    v1::ListProductsRequest r;
    r.set_page_size(2);
    r.set_page_token(list(r)->next_page_token());
    EXPECT_TRUE(list(r));
    r.set_currency("GBP");
    EXPECT_EQ(list(r).error().code, code::invalid_argument);
}

TEST_F(lists, products_off_sale_need_the_scope) {
    v1::ListProductsRequest r;
    r.set_include_off_sale(true);
    for (auto ctx : {anyone(), as(rpc::caller_kind::user, {"orders.write"})}) {
        const auto got = call(&api::list_products, ctx, r);
        ASSERT_FALSE(got);
        EXPECT_EQ(got.error().code, code::permission_denied);
        EXPECT_THAT(got.error().message, HasSubstr("products.write"));
    }
}

// 20,000 products; each list reads through an index and never the whole table.
TEST_F(lists, every_filter_has_its_index) {
    execute(R"(
        INSERT INTO product.products (sku, name, description, category, prices, on_sale, version, created_at, updated_at)
        SELECT 'S-' || i, 'Thing ' || (i % 1000), 'Word' || (i % 500) || ' and more', 'c-' || (i % 50), jsonb_build_object('GBP', i + 1), true, 1, now(), now()
          FROM generate_series(1, 20000) AS i;
        INSERT INTO product.price_points SELECT e.key, p.sku, e.value::bigint FROM product.products p, jsonb_each_text(p.prices) e;
        ANALYZE product.products; ANALYZE product.price_points;)");
    struct plan_case {
        list_shape shape;
        std::string index;
        std::string query;
    };
    const std::vector<plan_case> cases{
        {{}, "products_pkey", ""},
        {{.category = true}, "products_by_category", ""},
        {{.price = true}, "price_points_by_price", ""},
        {{.category = true, .price = true}, "price_points_by_price", ""},
        {{.query = true}, "products_search", "word77"},
        {{.category = true, .query = true}, "products_search", "word77"},
    };
    static std::vector<std::string> texts(cases.size() * 2);  // statements live for ever
    for (std::size_t i = 0; i < cases.size(); ++i) {
        const auto& c = cases[i];
        const auto s = list_statement(c.shape);
        texts[2 * i] = "explain." + std::string(s.name);
        texts[2 * i + 1] = "EXPLAIN " + std::string(s.sql);
        std::string plan;
        const auto rows = machine.block_on(db.query({texts[2 * i], texts[2 * i + 1]},
                                                    pg::params("S-15000", std::int64_t{51}, false, "c-7", "GBP", std::int64_t{500}, std::int64_t{600},
                                                               c.query, std::optional<std::int64_t>{})));
        for (const auto row : rows) plan += row.get<std::string>(0) + "\n";
        EXPECT_THAT(plan, HasSubstr(c.index)) << s.name;
        EXPECT_THAT(plan, Not(HasSubstr("Seq Scan on products"))) << s.name << "\n" << plan;
        EXPECT_THAT(plan, Not(HasSubstr("Seq Scan on price_points"))) << s.name << "\n" << plan;
    }
}

}  // namespace
}  // namespace bv::product
