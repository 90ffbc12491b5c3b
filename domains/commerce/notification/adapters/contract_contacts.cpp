#include "domains/commerce/notification/adapters/contract_contacts.hpp"

namespace bv::notification {

task<std::vector<contact>> contract_contacts::find(const telemetry::span_context& trace, std::vector<customer_id> customers) {
    ::bitvelocity::identity::v1::BatchGetContactsRequest request;
    for (const auto& c : customers) request.add_account_ids(c.str());
    auto own = rpc::context::for_service("notification", trace);
    const auto found = co_await client_.batch_get_contacts(own, std::move(request));
    if (!found) throw failure(found.error());
    std::vector<contact> out;
    for (const auto& c : found->contacts())
        if (const auto id = customer_id::parse(c.account_id())) out.push_back({*id, c.email(), c.display_name()});
    co_return out;
}

}  // namespace bv::notification
