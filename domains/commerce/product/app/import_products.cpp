#include "domains/commerce/product/app/import_products.hpp"

#include <unordered_set>

#include "domains/commerce/product/app/contract.hpp"
#include "domains/commerce/product/app/upsert.hpp"
#include "platform/rpc/binder.hpp"

namespace bv::product {

namespace {

constexpr std::size_t batch = 500;        // products of one transaction
constexpr int told_refused_lines = 100;   // of all that there are

class import_run {
public:
    import_run(const environment& env, const rpc::context& ctx) : env_(env), ctx_(ctx) {}

    [[nodiscard]] bool full() const noexcept { return wanted_.size() == batch; }
    [[nodiscard]] bool holds(const std::string& sku) const { return skus_.contains(sku); }
    void add(product p) {
        skus_.insert(p.sku);
        wanted_.push_back(std::move(p));
    }
    void refuse(std::int64_t line, const error& e);
    task<void> store();
    [[nodiscard]] contract::ImportProductsResponse take() { return std::move(answer_); }

private:
    const environment& env_;
    const rpc::context& ctx_;
    std::vector<product> wanted_;
    std::unordered_set<std::string> skus_;
    contract::ImportProductsResponse answer_;
};

void import_run::refuse(std::int64_t line, const error& e) {
    answer_.set_refused(answer_.refused() + 1);
    if (answer_.refused_lines_size() == told_refused_lines) return;
    auto& told = *answer_.add_refused_lines();
    told.set_line(line);
    told.set_reason(e.reason);
    told.set_detail(e.message);
    for (const auto& v : e.violations) {
        auto& field = *told.add_violations();
        field.set_field(v.field);
        field.set_description(v.description);
    }
}

task<void> import_run::store() {
    if (wanted_.empty()) co_return;
    const product_cache::invalidation forget(env_.cache, {skus_.begin(), skus_.end()});
    const auto done = co_await env_.db.transact(transaction_of(ctx_), [&](storage::unit_of_work& uow) { return upsert(uow, env_, wanted_); });
    answer_.set_created(answer_.created() + done.created);
    answer_.set_updated(answer_.updated() + done.updated);
    answer_.set_unchanged(answer_.unchanged() + done.unchanged);
    wanted_.clear();
    skus_.clear();
}

}  // namespace

task<result<contract::ImportProductsResponse>> import_products(const environment& env, rpc::context& ctx,
                                                               rpc::message_stream<contract::ImportProductsRequest>& lines) {
    import_run run(env, ctx);
    while (true) {
        auto next = co_await lines.next();
        if (!next) co_return std::unexpected(std::move(next.error()));
        if (!*next) break;
        const auto& [line, message] = **next;
        if (!message) {
            run.refuse(line, message.error());
            continue;
        }
        const auto& m = message->product();
        auto is = sound_details(m, "product");
        if (!is) {
            run.refuse(line, rpc::as_body_error(std::move(is.error()), "product"));
            continue;
        }
        if (run.full() || run.holds(m.sku())) co_await run.store();
        const auto now = env.clock.now();
        run.add({m.sku(), std::move(*is), 1, now, now});
    }
    co_await run.store();
    co_return run.take();
}

}  // namespace bv::product
