// The model and the contract's messages, one as the other.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bitvelocity/commerce/product/v1/product.pb.h"
#include "domains/commerce/product/model/product.hpp"
#include "platform/events/event.hpp"

namespace bv::product {

namespace contract = bitvelocity::commerce::product::v1;

[[nodiscard]] contract::Product to_message(const product&);

// INVALID_ARGUMENT with everything that is wrong beyond the contract's rules; `path` as in problems().
[[nodiscard]] result<details> sound_details(const contract::Product&, std::string_view path);

// What an update mask (fields in snake_case) takes from a message. INVALID_ARGUMENT for an unknown currency.
[[nodiscard]] result<change> to_change(const contract::Product&, std::span<const std::string> mask);

// For the outbox, keyed by SKU.
[[nodiscard]] events::outgoing changed_event(const product&, clock&, rng&);
[[nodiscard]] events::outgoing deleted_event(const std::string& sku, clock&, rng&);

}  // namespace bv::product
