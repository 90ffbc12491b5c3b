// catalogue over the product service's contract.
#pragma once

#include "bitvelocity/commerce/product/v1/product.bv.hpp"
#include "domains/commerce/order/app/catalogue.hpp"

namespace bv::order {

class contract_catalogue final : public catalogue {
public:
    explicit contract_catalogue(::bitvelocity::commerce::product::v1::product_service& products) : client_(products) {}
    task<result<std::vector<offer>>> find(rpc::context&, std::vector<std::string> skus, bv::currency) override;

private:
    ::bitvelocity::commerce::product::v1::product_service_client client_;
};

}  // namespace bv::order
