// contact_book over the identity service's contract.
#pragma once

#include "bitvelocity/identity/v1/identity.bv.hpp"
#include "domains/commerce/notification/app/ports.hpp"

namespace bv::notification {

class contract_contacts final : public contact_book {
public:
    explicit contract_contacts(::bitvelocity::identity::v1::identity_service& identity) : client_(identity) {}
    // At most 1,000 customers.
    task<std::vector<contact>> find(const telemetry::span_context&, std::vector<customer_id>) override;

private:
    ::bitvelocity::identity::v1::identity_service_client client_;
};

}  // namespace bv::notification
