// What survives every crash: one database with the tables of all services, the provider's books, and the price list.
#pragma once

#include "domains/commerce/inventory/adapters/memory_stock_store.hpp"
#include "domains/commerce/notification/adapters/memory_notification_store.hpp"
#include "domains/commerce/order/adapters/memory_stores.hpp"
#include "domains/commerce/payment/adapters/memory_store.hpp"
#include "domains/commerce/payment/provider/books.hpp"
#include "platform/events/memory_log_storage.hpp"
#include "platform/jobs/memory_job_queue.hpp"
#include "platform/storage/memory/lease_store.hpp"
#include "sim/postman.hpp"
#include "sim/prices.hpp"
#include "sim/tally.hpp"

namespace bv::sim {

struct stores {
    memory::database database{};
    memory::leases leases{};
    events::memory_schemas schemas{};
    order::memory_orders orders{};
    inventory::memory_stock stock{};
    payment::memory_books payments{};
    notification::memory_notices notices{};
    tallies tally{};
    jobs::memory_jobs mails{};
    letter_boxes arrived{};
    payment_provider::books provider{};
    price_list prices{};
};

}  // namespace bv::sim
