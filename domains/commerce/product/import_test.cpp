// Importing a catalogue that arrives line by line.
#include "domains/commerce/product/world_for_tests.hpp"

#include "bitvelocity/commerce/product/v1/import.bv.hpp"
#include "platform/rpc/stream_route.hpp"

namespace bv::product {
namespace {

using ::testing::ElementsAre;

// A body in pieces; between two of them a test may look at what is stored.
class lines final : public http::body_reader {
public:
    explicit lines(std::vector<std::string> pieces) : pieces_(std::move(pieces)) {}
    task<result<std::optional<std::string>>> read() override {
        if (next_ == pieces_.size()) co_return std::nullopt;
        if (pieces_[next_] == "broken") co_return fail(code::invalid_argument, "BODY_BROKEN", "the body did not arrive whole");
        co_return pieces_[next_++];
    }

private:
    std::vector<std::string> pieces_;
    std::size_t next_ = 0;
};

struct import : world {
    static std::string line(const std::string& sku, const std::string& name = "Kettle", std::int64_t gbp = 1'799) { return rpc::to_json(a_product(sku, name, gbp)) + "\n"; }

    http::response send(std::vector<std::string> pieces) {
        http::request request;
        request.headers.add("Content-Type", "application/x-ndjson");
        lines body(std::move(pieces));
        auto ctx = writer();
        return machine.block_on(route.handle(request, body, ctx));
    }
    v1::ImportProductsResponse imported(std::vector<std::string> pieces) {
        const auto answer = send(std::move(pieces));
        EXPECT_EQ(answer.status, 200) << answer.body;
        v1::ImportProductsResponse out;
        EXPECT_TRUE(json::parse(answer.body, out));
        return out;
    }
    std::int64_t stored() {
        return machine.block_on(db.query({"test.products", "SELECT count(*) FROM product.products"})).front().get<std::int64_t>(0);
    }

    rpc::stream_route route = products.import_route();
};

TEST_F(import, creates_replaces_and_leaves_alone) {
    ASSERT_TRUE(create(a_product("OLD-1")));
    ASSERT_TRUE(create(a_product("SAME-1")));
    get("OLD-1");
    const auto done = imported({line("NEW-1") + line("OLD-1", "Jug"), line("SAME-1")});
    EXPECT_EQ(rpc::to_json(done), R"({"created":"1","updated":"1","unchanged":"1"})");
    EXPECT_EQ(get("OLD-1")->name(), "Jug") << "the cache was told";
    EXPECT_EQ(get("OLD-1")->etag(), "2");
    EXPECT_EQ(get("SAME-1")->etag(), "1");
}

TEST_F(import, refuses_lines_by_number_and_takes_the_others) {
    const auto done = imported({line("A-1"), "{\"sku\":\"B-1\"}\n{nonsense\n", line("C-1", " "), line("D-1", "Jug", -5) + line("E-1")});
    EXPECT_EQ(done.created(), 2);
    EXPECT_EQ(done.refused(), 4);
    std::vector<std::string> told;
    for (const auto& l : done.refused_lines()) {
        told.push_back(std::to_string(l.line()) + " " + l.reason());
        for (const auto& v : l.violations()) told.back() += " " + v.field();
    }
    EXPECT_THAT(told, ElementsAre("2 INVALID_ARGUMENT name prices", "3 MALFORMED_JSON", "4 INVALID_ARGUMENT name", "5 INVALID_ARGUMENT prices[0].minorUnits"));
}

TEST_F(import, of_a_sku_that_comes_twice_the_last_line_counts) {
    const auto done = imported({line("A-1", "First") + line("B-1") + line("A-1", "Last")});
    EXPECT_EQ(rpc::to_json(done), R"({"created":"2","updated":"1"})");
    EXPECT_EQ(get("A-1")->name(), "Last");
}

TEST_F(import, stores_in_batches_and_sent_again_changes_nothing) {
    std::vector<std::string> pieces;
    for (int i = 0; i < 1'200; ++i) pieces.push_back(line("SKU-" + std::to_string(i)));
    auto broken = pieces;
    broken.resize(1'100);
    broken.push_back("broken");
    EXPECT_EQ(send(broken).status, 400);
    EXPECT_EQ(stored(), 1'000) << "two batches were whole";
    EXPECT_EQ(rpc::to_json(imported(pieces)), R"({"created":"200","unchanged":"1000"})");
    const auto announced = events_written().size();
    EXPECT_EQ(announced, 1'200u);
    EXPECT_EQ(rpc::to_json(imported(pieces)), R"({"unchanged":"1200"})");
    EXPECT_EQ(events_written().size(), announced);
}

TEST_F(import, tells_of_the_first_hundred_refused_lines_and_counts_all) {
    std::string bad;
    for (int i = 0; i < 250; ++i) bad += "{}\n";
    const auto done = imported({bad});
    EXPECT_EQ(done.refused(), 250);
    EXPECT_EQ(done.refused_lines_size(), 100);
    EXPECT_EQ(rpc::to_json(imported({})), "{}");
}

}  // namespace
}  // namespace bv::product
