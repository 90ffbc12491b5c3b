// event_store over the tables events, snapshots and external_references. Stateless; any thread.
#pragma once

#include "domains/commerce/order/app/ports.hpp"

namespace bv::order {

class postgres_event_store final : public event_store {
public:
    task<void> lock(storage::unit_of_work&, std::vector<order_id>) override;
    task<std::vector<order>> load(storage::unit_of_work&, std::vector<order_id>) override;
    task<void> append(storage::unit_of_work&, std::vector<append_entry>) override;
    task<std::vector<stored_event>> read(storage::unit_of_work&, order_id, std::int64_t after, std::int64_t limit) override;
    task<std::vector<event_stream>> scan(storage::unit_of_work&, order_id after, std::int64_t limit) override;
    task<void> claim(storage::unit_of_work&, std::vector<external_reference>) override;
    task<std::vector<external_reference>> find_claimed(storage::unit_of_work&, std::vector<external_reference>) override;
    task<std::vector<order_id>> find_by_reference(storage::unit_of_work&, std::optional<customer_id>, std::string text) override;
};

}  // namespace bv::order
