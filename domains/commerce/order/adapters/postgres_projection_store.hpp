// projection_store over the tables order_summary, order_detail and daily_sales. Stateless; any thread.
#pragma once

#include "domains/commerce/order/app/ports.hpp"

namespace bv::order {

class postgres_projection_store final : public projection_store {
public:
    task<void> lock(storage::unit_of_work&) override;
    task<void> project(storage::unit_of_work&, std::vector<projected_order>) override;
    task<void> clear(storage::unit_of_work&) override;
    task<current_document> current(storage::unit_of_work&, order_id) override;
    task<std::vector<order>> list(storage::unit_of_work&, order_filter) override;
    task<std::vector<day_of_sales>> list_sales(storage::unit_of_work&, sales_filter) override;
    task<std::vector<projected_order>> scan(storage::unit_of_work&, order_id after, std::int64_t limit) override;
};

}  // namespace bv::order
