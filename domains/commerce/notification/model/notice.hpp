// A notice: what a buyer is told about one outcome of an order. Exactly one exists per outcome.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "platform/core/clock.hpp"
#include "platform/core/money.hpp"
#include "platform/core/uuid.hpp"

namespace bv::notification {

using order_id = strong_id<struct order_tag>;
using customer_id = strong_id<struct customer_tag>;
using notice_id = strong_id<struct notice_tag>;

// Stored (notification.notifications.kind); the numbers match NotificationKind of the contract.
enum class notice_kind : std::uint8_t { confirmed = 1, cancelled = 2, returned = 3 };

// The numbers match CancelReason of the order service's contract; a later reason is told as unspecified.
enum class cancel_reason : std::uint8_t {
    unspecified = 0,
    customer_request = 1,
    out_of_stock = 2,
    payment_declined = 3,
    timed_out = 4,
    capture_failed = 5,
    reservation_expired = 6,
};

struct confirmed {
    money total;
    time_point ordered_at{};
};
struct cancelled {
    cancel_reason reason = cancel_reason::unspecified;
    std::string detail;  // for people; may be empty
    money total;
};
struct returned_item {
    std::string sku;
    std::int64_t quantity = 0;
};
struct returned {
    std::string return_id;  // not empty
    std::vector<returned_item> items;
    money amount;
};

struct outcome {
    order_id order;
    customer_id customer;
    time_point at{};  // when it came about
    std::variant<confirmed, cancelled, returned> what;
};

struct notice {
    notice_id id;
    customer_id customer;
    order_id order;
    notice_kind kind = notice_kind::confirmed;
    std::string return_id;  // of a return, else empty
    std::string subject;    // one line
    std::string text;       // plain, UTF-8, lines end with \n
    time_point created_at{};
};

// The same outcome has the same id, however often it is told.
[[nodiscard]] notice_id id_of(order_id, notice_kind, std::string_view return_id);

// What to tell the buyer, from the templates (templates/*.txt). Pure: the same outcome gives the same notice.
[[nodiscard]] notice tell(const outcome&);

}  // namespace bv::notification
