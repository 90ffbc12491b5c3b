// saga_store over the table saga. Stateless; any thread.
#pragma once

#include "domains/commerce/order/app/ports.hpp"

namespace bv::order {

class postgres_saga_store final : public saga_store {
public:
    task<void> save(storage::unit_of_work&, std::vector<saga_step>) override;
    task<std::vector<saga_step>> find_overdue(storage::unit_of_work&, instant now, std::int64_t limit) override;
    task<std::int64_t> count_open(storage::unit_of_work&) override;
};

}  // namespace bv::order
