// What the use cases that change the catalogue work with.
#pragma once

#include "domains/commerce/product/app/ports.hpp"
#include "domains/commerce/product/app/product_cache.hpp"
#include "platform/core/clock.hpp"
#include "platform/events/outbox.hpp"
#include "platform/rpc/context.hpp"

namespace bv::product {

// Everything outlives the use cases.
struct environment {
    bv::clock& clock;
    bv::rng& rng;
    storage::transactor& db;
    product_store& store;
    events::outbox& outbox;
    product_cache& cache;
};

[[nodiscard]] inline storage::transaction_options transaction_of(const rpc::context& ctx) {
    storage::transaction_options out;
    out.identity = ctx.identity();
    out.deadline = ctx.deadline;
    return out;
}

[[nodiscard]] inline std::unexpected<error> no_product(const std::string& sku) {
    return fail(code::not_found, "PRODUCT_NOT_FOUND", "there is no product with the SKU \"" + sku + "\"; GET /v1/products lists the catalogue");
}

}  // namespace bv::product
