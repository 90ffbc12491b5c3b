#include "domains/commerce/product/app/list_products.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "platform/rpc/format.hpp"
#include "platform/rpc/page_token.hpp"

namespace bv::product {

namespace {

constexpr int default_page_size = 50;

result<filter> to_filter(const contract::ListProductsRequest& r) {
    std::vector<field_violation> wrong;
    filter out{.query = r.query(), .category = r.category(), .include_off_sale = r.include_off_sale()};
    if (!r.currency().empty()) {
        out.currency = currency::parse(r.currency());
        if (!out.currency) wrong.push_back({"currency", "\"" + r.currency() + "\" is not a currency of ISO 4217, such as GBP"});
    } else if (r.has_min_price_minor_units() || r.has_max_price_minor_units()) {
        wrong.push_back({"currency", "is needed with a lowest or highest price"});
    }
    if (r.has_min_price_minor_units()) out.min_price = r.min_price_minor_units();
    if (r.has_max_price_minor_units()) out.max_price = r.max_price_minor_units();
    if (out.min_price > out.max_price) wrong.push_back({"minPriceMinorUnits", "must not be more than maxPriceMinorUnits"});
    if (out.query.find('\0') != std::string::npos) wrong.push_back({"query", "must not have control characters"});
    if (!wrong.empty()) return invalid(std::move(wrong));
    return out;
}

// What a page token belongs to: everything that decides the rows and their order.
std::string list_name(const filter& f) {
    std::string out = "products";
    for (const auto& part : {f.query, f.category, std::string(f.currency ? f.currency->code() : ""), std::to_string(f.min_price),
                             std::to_string(f.max_price), std::string(f.include_off_sale ? "all" : "on_sale")})
        out += "/" + std::to_string(part.size()) + ":" + part;
    return out;
}

result<position> read_token(const std::string& list, const filter& f, const std::string& token) {
    const auto parts = rpc::parse_page_token(list, token);
    if (!parts) return std::unexpected(parts.error());
    position out;
    if (parts->empty()) return out;
    // Anybody can make a token: what the store is asked with is looked at.
    out.sku = parts->front();
    std::int64_t rank = 0;
    bool whole = rpc::matches(rpc::format::sku, out.sku) && parts->size() == (f.query.empty() ? 1u : 2u);
    if (whole && !f.query.empty()) {
        const auto& text = parts->back();
        const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), rank);
        whole = problem == std::errc{} && end == text.data() + text.size();
        out.rank = rank;
    }
    if (!whole) return invalid({{"pageToken", "is not a token of this list; take nextPageToken as it was given"}});
    return out;
}

std::string write_token(const std::string& list, const filter& f, const listed& last) {
    if (f.query.empty()) return rpc::page_token(list, std::array{last.item.sku});
    return rpc::page_token(list, std::array{last.item.sku, std::to_string(last.rank)});
}

}  // namespace

task<result<contract::ListProductsResponse>> list_products(const environment& env, rpc::context& ctx, contract::ListProductsRequest request) {
    if (request.include_off_sale() && ctx.caller.kind != rpc::caller_kind::service && !ctx.caller.has_scope("products.write"))
        co_return fail(code::permission_denied, "SCOPE_MISSING", "includeOffSale needs the scope products.write; leave it out to list what is on sale");
    const auto f = to_filter(request);
    if (!f) co_return std::unexpected(f.error());
    const auto list = list_name(*f);
    auto after = read_token(list, *f, request.page_token());
    if (!after) co_return std::unexpected(after.error());

    const int size = request.page_size() == 0 ? default_page_size : request.page_size();
    const auto found = co_await env.store.list(*f, std::move(*after), size + 1);
    const auto shown = std::min(found.size(), static_cast<std::size_t>(size));
    contract::ListProductsResponse out;
    for (std::size_t i = 0; i < shown; ++i) *out.add_products() = to_message(found[i].item);
    if (found.size() > shown) out.set_next_page_token(write_token(list, *f, found[shown - 1]));
    co_return out;
}

}  // namespace bv::product
