#include "domains/commerce/product/app/contract.hpp"

#include <algorithm>

#include "bitvelocity/commerce/product/v1/events.pb.h"
#include "platform/rpc/timestamp.hpp"

namespace bv::product {

namespace {

std::vector<money> to_prices(const contract::Product& m, std::string_view path, std::vector<field_violation>& wrong) {
    std::vector<money> out;
    for (int i = 0; i < m.prices_size(); ++i) {
        const auto currency = currency::parse(m.prices(i).currency());
        if (!currency)
            wrong.push_back({std::string(path) + ".prices[" + std::to_string(i) + "].currency",
                             "\"" + m.prices(i).currency() + "\" is not a currency of ISO 4217, such as GBP"});
        out.push_back({m.prices(i).minor_units(), currency.value_or(bv::currency{})});
    }
    return out;
}

}  // namespace

contract::Product to_message(const product& p) {
    contract::Product out;
    out.set_sku(p.sku);
    out.set_name(p.is.name);
    out.set_description(p.is.description);
    out.set_category(p.is.category);
    for (const auto& price : p.is.prices) {
        auto* m = out.add_prices();
        m->set_currency(std::string(price.currency.code()));
        m->set_minor_units(price.minor);
    }
    out.set_on_sale(p.is.on_sale);
    rpc::set_timestamp(*out.mutable_create_time(), p.created_at);
    rpc::set_timestamp(*out.mutable_update_time(), p.updated_at);
    out.set_etag(p.etag());
    return out;
}

result<details> sound_details(const contract::Product& m, std::string_view path) {
    std::vector<field_violation> wrong;
    details out{m.name(), m.description(), m.category(), to_prices(m, path, wrong), m.on_sale()};
    if (wrong.empty()) wrong = problems(out, path);
    if (!wrong.empty()) return invalid(std::move(wrong));
    return sorted(std::move(out));
}

result<change> to_change(const contract::Product& m, std::span<const std::string> mask) {
    std::vector<field_violation> wrong;
    const auto takes = [&](std::string_view field) { return std::ranges::find(mask, field) != mask.end(); };
    change out;
    if (takes("name")) out.name = m.name();
    if (takes("description")) out.description = m.description();
    if (takes("category")) out.category = m.category();
    if (takes("prices")) out.prices = to_prices(m, "product", wrong);
    if (takes("on_sale")) out.on_sale = m.on_sale();
    if (!wrong.empty()) return invalid(std::move(wrong));
    return out;
}

events::outgoing changed_event(const product& p, clock& c, rng& r) {
    contract::ProductChanged m;
    *m.mutable_product() = to_message(p);
    return {uuid::v7(c, r), contract::ProductChanged::descriptor()->full_name(), p.sku, m.SerializeAsString()};
}

events::outgoing deleted_event(const std::string& sku, clock& c, rng& r) {
    contract::ProductDeleted m;
    m.set_sku(sku);
    return {uuid::v7(c, r), contract::ProductDeleted::descriptor()->full_name(), sku, m.SerializeAsString()};
}

}  // namespace bv::product
