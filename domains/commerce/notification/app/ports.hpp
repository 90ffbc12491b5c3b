// Where the notification's use cases meet the store, the address book and the mail.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "domains/commerce/notification/model/notice.hpp"
#include "platform/core/error.hpp"
#include "platform/core/task.hpp"
#include "platform/storage/unit_of_work.hpp"
#include "platform/telemetry/trace.hpp"

namespace bv::notification {

// Stored (notification.deliveries.status); the numbers match DeliveryStatus of the contract.
enum class delivery_status : std::uint8_t {
    queued = 1,
    sent = 2,
    failed = 3,      // given up
    no_address = 4,  // the buyer has no e-mail address
};

struct delivery {
    notice_id notice;
    delivery_status status = delivery_status::queued;
    int attempts = 0;
    std::string last_error;  // a reason and a number, never what a server wrote: that may hold the address
    time_point created_at{}, updated_at{};
};

// That was not sent yet: queued, or given up and asked for again.
struct unsent_delivery {
    notice_id notice;
    customer_id customer;
    std::string subject, text;
    time_point created_at{};
};

// How an attempt ended. queued: it will be tried again.
struct attempted_delivery {
    notice_id notice;
    int attempt = 0;
    delivery_status status = delivery_status::sent;
    std::string last_error;
};

struct inbox_entry {
    notice told;
    std::optional<time_point> read_at;
};

// Where a list goes on: after this row, newest first.
struct list_position {
    time_point at{};
    uuid id;
};

class notification_store {
public:
    virtual ~notification_store() = default;

    // Adds notices, each with a queued delivery. Those of an outcome that was told before are passed over; gives the others.
    virtual task<std::vector<notice_id>> add(storage::unit_of_work&, std::vector<notice>, time_point now) = 0;

    // Of these, in the order they were told in.
    virtual task<std::vector<unsent_delivery>> find_unsent(storage::identity, std::vector<notice_id>) = 0;
    // Of deliveries that were not sent yet.
    virtual task<void> note(storage::unit_of_work&, std::vector<attempted_delivery>, time_point now) = 0;

    // A customer's notices, newest first. The identity must see them (row-level security).
    virtual task<std::vector<inbox_entry>> list_inbox(storage::identity, customer_id, bool unread_only, std::optional<list_position> after, int limit) = 0;
    // The first reading counts. Nothing when the identity sees no such notice.
    virtual task<std::optional<inbox_entry>> mark_read(storage::identity, notice_id, time_point now) = 0;
    virtual task<std::vector<delivery>> list_deliveries(storage::identity, std::optional<delivery_status>, std::optional<list_position> after, int limit) = 0;
};

// Personal data: lives in memory for the moment of sending. Never logged, never stored here.
struct contact {
    customer_id customer;
    std::string email;  // empty: none known
    std::string name;
};

class contact_book {
public:
    virtual ~contact_book() = default;
    // Unknown customers are left out. Throws failure when the book cannot be read.
    virtual task<std::vector<contact>> find(const telemetry::span_context&, std::vector<customer_id>) = 0;
};

struct mail {
    notice_id id;            // the same mail has the same id: the receiving side can tell a repeat
    time_point written_at{};
    std::string to, to_name;
    std::string subject;
    std::string text;        // UTF-8, lines end with \n
};

class mailer {
public:
    virtual ~mailer() = default;
    // One outcome a mail, in order. INVALID_ARGUMENT and FAILED_PRECONDITION are final; after any other error it may be
    // tried again. Errors hold no address. Ends by the deadline: what was not tried by then fails DEADLINE_EXCEEDED.
    virtual task<std::vector<result<void>>> send(std::vector<mail>, steady_point deadline) = 0;
};

}  // namespace bv::notification
