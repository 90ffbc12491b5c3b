// Creating, changing and importing products.
#include "domains/commerce/product/world_for_tests.hpp"

namespace bv::product {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

struct catalogue : world {};

TEST_F(catalogue, a_created_product_is_read_back_with_its_etag_and_announced) {
    auto p = a_product("KETTLE-1");
    p.set_description("Boils water.");
    add_price(p, "EUR", 1'999);
    const auto made = create(p);
    ASSERT_TRUE(made) << made.error().message;
    EXPECT_EQ(made->etag(), "1");
    EXPECT_EQ(made->prices(0).currency(), "EUR");
    EXPECT_GT(made->create_time().seconds(), 0);
    const auto read = get("KETTLE-1");
    ASSERT_TRUE(read);
    EXPECT_EQ(rpc::to_json(*read), rpc::to_json(*made));
    EXPECT_THAT(events_written(), ElementsAre("ProductChanged KETTLE-1"));

    auto ctx = anyone();
    v1::GetProductRequest r;
    r.set_sku("KETTLE-1");
    ASSERT_TRUE(call(&api::get_product, ctx, r));
    EXPECT_EQ(ctx.etag, "1");
}

TEST_F(catalogue, a_sku_is_taken_once) {
    ASSERT_TRUE(create(a_product("KETTLE-1")));
    const auto again = create(a_product("KETTLE-1", "Jug"));
    ASSERT_FALSE(again);
    EXPECT_EQ(again.error().code, code::already_exists);
    EXPECT_EQ(again.error().reason, "PRODUCT_EXISTS");
    EXPECT_THAT(again.error().message, HasSubstr("KETTLE-1"));
    EXPECT_EQ(get("KETTLE-1")->name(), "Kettle");
    EXPECT_THAT(events_written(), ElementsAre("ProductChanged KETTLE-1"));
}

TEST_F(catalogue, a_sku_that_was_looked_for_in_vain_is_found_once_it_is_created) {
    EXPECT_EQ(get("KETTLE-1").error().reason, "PRODUCT_NOT_FOUND");
    ASSERT_TRUE(create(a_product("KETTLE-1")));
    EXPECT_TRUE(get("KETTLE-1"));
}

TEST_F(catalogue, unsound_products_are_refused_naming_the_field) {
    auto p = a_product("KETTLE-1", "Kettle", 0);
    add_price(p, "GBP", 5);
    const auto twice = create(p);
    ASSERT_FALSE(twice);
    EXPECT_EQ(twice.error().code, code::invalid_argument);
    ASSERT_EQ(twice.error().violations.size(), 2u);
    EXPECT_EQ(twice.error().violations[0].field, "product.prices[0].minorUnits");
    EXPECT_EQ(twice.error().violations[1].field, "product.prices[1].currency");

    p = a_product("KETTLE-1");
    add_price(p, "ZZZ", 5);
    EXPECT_EQ(create(p).error().violations.at(0).field, "product.prices[1].currency");
}

TEST_F(catalogue, an_update_changes_what_its_mask_names_and_the_next_read_sees_it) {
    ASSERT_TRUE(create(a_product("KETTLE-1")));
    get("KETTLE-1");
    auto p = a_product("KETTLE-1", "Jug", 5);
    const auto done = update(p, {"name"});
    ASSERT_TRUE(done) << done.error().message;
    EXPECT_EQ(done->etag(), "2");
    const auto read = get("KETTLE-1");
    EXPECT_EQ(read->name(), "Jug");
    EXPECT_EQ(read->prices(0).minor_units(), 1'799);
    EXPECT_THAT(events_written(), ElementsAre("ProductChanged KETTLE-1", "ProductChanged KETTLE-1"));
}

TEST_F(catalogue, an_update_without_a_mask_changes_what_has_a_value_and_a_star_replaces_the_product) {
    auto p = a_product("KETTLE-1");
    p.set_description("Boils.");
    ASSERT_TRUE(create(p));
    v1::Product sent;
    sent.set_sku("KETTLE-1");
    EXPECT_EQ(update(sent, {})->etag(), "1") << "nothing sent, nothing changed";
    EXPECT_EQ(update(sent, {}, "7").error().reason, "ETAG_MISMATCH");
    sent.set_name("Jug");
    const auto renamed = update(sent, {});
    ASSERT_TRUE(renamed) << renamed.error().message;
    EXPECT_EQ(renamed->name(), "Jug");
    EXPECT_EQ(renamed->description(), "Boils.");
    EXPECT_FALSE(update(sent, {"*"})) << "has no price";
    add_price(sent, "GBP", 5);
    sent.set_category(p.category());
    const auto replaced = update(sent, {"*"});
    ASSERT_TRUE(replaced) << replaced.error().message;
    EXPECT_EQ(replaced->description(), "");
    EXPECT_EQ(replaced->prices(0).minor_units(), 5);
    EXPECT_FALSE(replaced->on_sale());
}

TEST_F(catalogue, an_update_that_changes_nothing_keeps_the_version_and_emits_nothing) {
    ASSERT_TRUE(create(a_product("KETTLE-1")));
    const auto done = update(a_product("KETTLE-1"), {"name", "prices", "on_sale", "category", "description"});
    ASSERT_TRUE(done);
    EXPECT_EQ(done->etag(), "1");
    EXPECT_EQ(events_written().size(), 1u);
}

TEST_F(catalogue, an_update_with_if_match_fails_when_somebody_changed_it_meanwhile) {
    ASSERT_TRUE(create(a_product("KETTLE-1")));
    ASSERT_TRUE(update(a_product("KETTLE-1", "Jug"), {"name"}, "1"));
    const auto late = update(a_product("KETTLE-1", "Pot"), {"name"}, "1");
    ASSERT_FALSE(late);
    EXPECT_EQ(late.error().reason, "ETAG_MISMATCH");
    EXPECT_EQ(get("KETTLE-1")->name(), "Jug");
    EXPECT_EQ(remove("KETTLE-1", "1").error().reason, "ETAG_MISMATCH");
    EXPECT_TRUE(remove("KETTLE-1", "2"));
}

TEST_F(catalogue, of_two_updates_of_one_version_at_once_one_succeeds) {
    ASSERT_TRUE(create(a_product("KETTLE-1")));
    struct body {
        static task<void> one(v1::product_service* to, int n, std::atomic<int>* succeeded) {
            auto ctx = writer();
            ctx.if_match = "1";
            v1::UpdateProductRequest r;
            *r.mutable_product() = a_product("KETTLE-1", "Name " + std::to_string(n));
            r.mutable_update_mask()->add_paths("name");
            if (co_await to->update_product(ctx, r)) ++*succeeded;
        }
        static task<void> join(scope* s) { co_await s->join(); }
    };
    std::atomic<int> succeeded{0};
    scope all("test");
    for (int n = 0; n < 8; ++n) all.spawn(machine.context(static_cast<std::size_t>(n % 2)).get_executor(), body::one(&client, n, &succeeded));
    machine.block_on(body::join(&all));
    EXPECT_EQ(succeeded.load(), 1);
    EXPECT_EQ(get("KETTLE-1")->etag(), "2");
}

TEST_F(catalogue, what_cannot_change_is_refused_in_a_mask) {
    ASSERT_TRUE(create(a_product("KETTLE-1")));
    for (const auto* field : {"sku", "etag", "create_time", "prices.currency", "colour"}) {
        const auto done = update(a_product("KETTLE-1"), {field});
        ASSERT_FALSE(done) << field;
        EXPECT_EQ(done.error().code, code::invalid_argument) << field;
    }
    EXPECT_EQ(update(a_product("KETTLE-2"), {"name"}).error().reason, "PRODUCT_NOT_FOUND");
}

TEST_F(catalogue, a_deleted_product_is_off_sale_and_still_readable) {
    ASSERT_TRUE(create(a_product("KETTLE-1")));
    get("KETTLE-1");
    ASSERT_TRUE(remove("KETTLE-1"));
    const auto read = get("KETTLE-1");
    ASSERT_TRUE(read);
    EXPECT_FALSE(read->on_sale());
    EXPECT_THAT(skus({}), IsEmpty());
    ASSERT_TRUE(remove("KETTLE-1")) << "twice is once";
    EXPECT_THAT(events_written(), ElementsAre("ProductChanged KETTLE-1", "ProductDeleted KETTLE-1"));
    EXPECT_EQ(remove("KETTLE-2").error().reason, "PRODUCT_NOT_FOUND");

    v1::BatchGetProductsRequest r;
    r.add_skus("KETTLE-1");
    auto ctx = anyone();
    EXPECT_FALSE(call(&api::batch_get_products, ctx, r)->products(0).on_sale());
}

TEST_F(catalogue, several_products_are_read_at_once_in_the_order_asked_for_and_unknown_ones_left_out) {
    ASSERT_TRUE(upsert({a_product("A"), a_product("B"), a_product("C")}));
    auto ctx = anyone();
    v1::BatchGetProductsRequest r;
    for (const auto* sku : {"C", "NONE", "A", "C"}) r.add_skus(sku);
    const auto found = call(&api::batch_get_products, ctx, r);
    ASSERT_TRUE(found);
    ASSERT_EQ(found->products_size(), 2);
    EXPECT_EQ(found->products(0).sku(), "C");
    EXPECT_EQ(found->products(1).sku(), "A");
    const auto before = products.cache_stats();
    ASSERT_TRUE(call(&api::batch_get_products, ctx, r));
    EXPECT_EQ(products.cache_stats().misses, before.misses) << "the second time is answered from memory, the unknown SKU too";
}

TEST_F(catalogue, an_import_creates_updates_and_leaves_alone_in_one_transaction) {
    std::vector<v1::Product> all;
    for (int i = 0; i < 1'000; ++i) all.push_back(a_product("P-" + std::to_string(i), "Product " + std::to_string(i)));
    auto done = upsert(all);
    ASSERT_TRUE(done) << done.error().message;
    EXPECT_EQ(done->created(), 1'000);
    EXPECT_EQ(events_written().size(), 1'000u);

    get("P-3");
    all[3].set_name("Renamed");
    all[5].mutable_prices(0)->set_minor_units(42);
    all[7].set_sku("NEW");
    done = upsert(all);
    ASSERT_TRUE(done);
    EXPECT_EQ(done->created(), 1);
    EXPECT_EQ(done->updated(), 2);
    EXPECT_EQ(done->unchanged(), 997);
    EXPECT_EQ(events_written().size(), 1'003u);
    EXPECT_EQ(get("P-3")->name(), "Renamed");
    EXPECT_EQ(get("P-3")->etag(), "2");
    EXPECT_EQ(upsert(all)->unchanged(), 1'000);
    EXPECT_EQ(events_written().size(), 1'003u);

    static constexpr pg::statement differ{"test.price_points", R"(
        SELECT count(*) FROM (SELECT p.sku, e.key, e.value::bigint FROM product.products p, jsonb_each_text(p.prices) e) a(sku, currency, minor_units)
          FULL JOIN product.price_points b USING (sku, currency, minor_units) WHERE a.sku IS NULL OR b.sku IS NULL)"};
    EXPECT_EQ(machine.block_on(db.query(differ)).front().get<std::int64_t>(0), 0) << "price_points hold what the products say";
}

TEST_F(catalogue, an_import_with_one_bad_product_changes_nothing) {
    const auto done = upsert({a_product("A"), a_product("B", "B", -1), a_product("A")});
    ASSERT_FALSE(done);
    ASSERT_EQ(done.error().violations.size(), 2u);
    EXPECT_EQ(done.error().violations[0].field, "products[1].prices[0].minorUnits");
    EXPECT_EQ(done.error().violations[1].field, "products[2].sku");
    EXPECT_FALSE(get("A"));
    EXPECT_THAT(events_written(), IsEmpty());
}

TEST_F(catalogue, imports_of_the_same_products_at_once_all_succeed) {
    struct body {
        static task<void> one(v1::product_service* to, int n, std::atomic<int>* counted) {
            auto ctx = writer();
            v1::BatchUpsertProductsRequest r;
            for (int i = 0; i < 100; ++i) *r.add_products() = a_product("P-" + std::to_string(n % 2 == 0 ? i : 99 - i), "Name " + std::to_string(n));
            const auto done = co_await to->batch_upsert_products(ctx, r);
            if (done) *counted += done->created();
        }
        static task<void> join(scope* s) { co_await s->join(); }
    };
    std::atomic<int> created{0};
    scope all("test");
    for (int n = 0; n < 6; ++n) all.spawn(machine.context(static_cast<std::size_t>(n % 2)).get_executor(), body::one(&client, n, &created));
    machine.block_on(body::join(&all));
    EXPECT_EQ(created.load(), 100);
    EXPECT_EQ(get("P-0")->etag(), "6");
    EXPECT_EQ(events_written().size(), 600u);
}

TEST_F(catalogue, writing_needs_the_scope) {
    auto ctx = as(rpc::caller_kind::user);
    v1::CreateProductRequest r;
    *r.mutable_product() = a_product("A");
    EXPECT_EQ(call(&api::create_product, ctx, r).error().code, code::permission_denied);
}

TEST_F(catalogue, changes_are_in_the_audit_trail_with_their_actor) {
    ASSERT_TRUE(create(a_product("KETTLE-1")));
    ASSERT_TRUE(update(a_product("KETTLE-1", "Jug"), {"name"}));
    static constexpr pg::statement trail{"test.trail", R"(
        SELECT operation, actor, new_values->>'name' FROM audit.entries WHERE table_name = 'product.products' AND row_key = 'KETTLE-1' ORDER BY id)"};
    std::vector<std::string> found;
    for (const auto row : machine.block_on(admin.query(trail))) {
        found.push_back(std::to_string(row.get<std::int16_t>(0)) + " " + row.get<std::string>(2));
        EXPECT_THAT(row.get<std::string>(1), HasSubstr("user:"));
    }
    EXPECT_THAT(found, ElementsAre("1 Kettle", "2 Jug"));
}

TEST_F(catalogue, the_seed_adds_what_is_missing_and_leaves_the_rest) {
    EXPECT_EQ(machine.block_on(products.seed_catalogue()), 24);
    auto p = *get("TEA-SENCHA-100");
    p.set_name("Renamed by its owner");
    ASSERT_TRUE(update(p, {"name"}));
    EXPECT_EQ(machine.block_on(products.seed_catalogue()), 0);
    EXPECT_EQ(get("TEA-SENCHA-100")->name(), "Renamed by its owner");
    EXPECT_EQ(p.prices_size(), 3);
    auto ctx = anyone();
    const auto categories = call(&api::list_categories, ctx, v1::ListCategoriesRequest{});
    ASSERT_TRUE(categories);
    EXPECT_EQ(categories->categories_size(), 5);
    EXPECT_EQ(categories->categories(0).name(), "garden-lights");
    EXPECT_EQ(categories->categories(0).products(), 4);
}

// Another process changes the row; its event arrives through the log.
TEST_F(catalogue, a_change_made_in_another_process_reaches_the_cache_by_its_event) {
    ASSERT_TRUE(create(a_product("KETTLE-1")));
    start_events();
    get("KETTLE-1");
    events::embedded_log other_log(machine, reader, quick());
    service other(deps{machine, system_clock(), system_rng(), db, other_log}, options{.cache = {.name = "other"}});
    v1::product_service_client there(other.contract());
    auto ctx = writer();
    v1::UpdateProductRequest r;
    *r.mutable_product() = a_product("KETTLE-1", "Jug");
    r.mutable_update_mask()->add_paths("name");
    ASSERT_TRUE(machine.block_on(there.update_product(ctx, r)));
    struct body {
        static task<bool> becomes(v1::product_service* from, std::string name) {
            for (int i = 0; i < 1'000; ++i) {
                auto ctx = anyone();
                v1::GetProductRequest request;
                request.set_sku("KETTLE-1");
                const auto found = co_await from->get_product(ctx, request);
                if (found && found->name() == name) co_return true;
                co_await system_clock().sleep_for(milliseconds(10));
            }
            co_return false;
        }
    };
    EXPECT_TRUE(machine.block_on(body::becomes(&client, "Jug")));
}

}  // namespace
}  // namespace bv::product
