// streams.legal and projections.fold: the order service checks its own store.
#include "domains/commerce/order/module.hpp"
#include "verify/checks.hpp"

namespace bv::verify {
namespace {

namespace products = ::bitvelocity::commerce::product::v1;

// The order service is only asked to check: it consumes nothing, and sells nothing.
class no_log final : public events::log {
public:
    void subscribe(events::subscription) override {}
    void observe(events::observer) override {}
    task<void> start() override { co_return; }
    task<void> stop() override { co_return; }
    [[nodiscard]] std::vector<events::subscription_status> status() const override { return {}; }
};

class no_products final : public products::product_service {
public:
    task<result<products::Product>> get_product(rpc::context&, products::GetProductRequest) override { co_return none(); }
    task<result<products::ListProductsResponse>> list_products(rpc::context&, products::ListProductsRequest) override { co_return none(); }
    task<result<products::BatchGetProductsResponse>> batch_get_products(rpc::context&, products::BatchGetProductsRequest) override { co_return none(); }
    task<result<products::Product>> create_product(rpc::context&, products::CreateProductRequest) override { co_return none(); }
    task<result<products::Product>> update_product(rpc::context&, products::UpdateProductRequest) override { co_return none(); }
    task<result<google::protobuf::Empty>> delete_product(rpc::context&, products::DeleteProductRequest) override { co_return none(); }
    task<result<products::BatchUpsertProductsResponse>> batch_upsert_products(rpc::context&, products::BatchUpsertProductsRequest) override { co_return none(); }
    task<result<products::ListCategoriesResponse>> list_categories(rpc::context&, products::ListCategoriesRequest) override { co_return none(); }

private:
    static std::unexpected<error> none() { return fail(code::unimplemented, "NO_CATALOGUE", "a check needs no catalogue"); }
};

std::string_view expectation(std::string_view rule) {
    if (rule == "stream.gapless") return "versions 1, 2, 3 and on";
    if (rule == "stream.legal") return "a legal walk of the order's state machine";
    if (rule == "snapshot.fold") return "a snapshot that equals the fold of its events";
    if (rule == "summary.fold") return "a summary that equals the fold of its events";
    if (rule == "detail.fold") return "a detail that equals the fold of its events";
    if (rule == "sales.fold") return "daily sales that are the sum of their orders";
    return rule;
}

}  // namespace

task<void> check_streams(runtime& machine, pg::database& admin, std::size_t most, finding& streams, finding& projections) {
    no_log log;
    no_products catalogue;
    order::service orders({machine, system_clock(), system_rng(), admin, log, catalogue}, {});
    order::check_result found;
    try {
        // More than are shown, so that many of one kind do not hide the other kind.
        found = co_await orders.check(10'000);
    } catch (const pg::sql_error&) {
        throw;
    } catch (const failure& e) {
        if (e.error().code != code::data_loss) throw;
        streams.add({"orders", "events and snapshots that the order service can read", e.error().message}, most);
        projections.skipped = "the order service cannot read its streams";
        co_return;
    }
    streams.checked += found.events;
    projections.checked += found.orders;
    for (const auto& v : found.violations) {
        auto& to = v.rule.starts_with("stream.") ? streams : projections;
        to.add({(v.rule == "sales.fold" ? "daily sales " : "order ") + v.id, std::string(expectation(v.rule)), v.what}, most);
    }
    // Which kind the rest is of is not known; it is of some.
    const auto rest = found.violation_count - std::ssize(found.violations);
    (streams.holds() ? projections : streams).violation_count += rest;
}

}  // namespace bv::verify
