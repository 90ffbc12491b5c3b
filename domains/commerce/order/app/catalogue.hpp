// What orders need of the catalogue.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "platform/core/error.hpp"
#include "platform/core/money.hpp"
#include "platform/core/task.hpp"
#include "platform/rpc/context.hpp"

namespace bv::order {

struct offer {
    std::string sku;
    std::string name;
    bool on_sale = false;
    std::optional<std::int64_t> unit_price;  // minor units; none in the asked currency
};

class catalogue {
public:
    virtual ~catalogue() = default;
    // The products of these SKUs (each once); unknown ones are left out. The catalogue's own error when it gives one.
    virtual task<result<std::vector<offer>>> find(rpc::context&, std::vector<std::string> skus, bv::currency) = 0;
};

}  // namespace bv::order
