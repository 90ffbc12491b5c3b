// The notification service: what the process needs to run it.
#pragma once

#include <filesystem>
#include <memory>

#include "bitvelocity/identity/v1/identity.bv.hpp"
#include "domains/commerce/notification/adapters/smtp_mailer.hpp"
#include "domains/commerce/notification/app/deliver_mail.hpp"
#include "platform/events/log.hpp"
#include "platform/rpc/method.hpp"
#include "platform/runtime/module.hpp"
#include "platform/runtime/runtime.hpp"
#include "platform/storage/postgres/migrations.hpp"

namespace bv::notification {

struct deps {
    bv::runtime& runtime;
    bv::clock& clock;
    pg::database& db;  // connected as bv_notification
    events::log& log;
    jobs::job_queue& mails;  // over the same schema; the caller starts and stops it
    ::bitvelocity::identity::v1::identity_service& identity;  // for addresses
};

enum class mailer_kind : unsigned char {
    file,  // development: into mail_folder
    smtp,
};

struct options {
    mailer_kind mailer = mailer_kind::file;
    std::filesystem::path mail_folder = "mail";
    smtp_options smtp{};
    mail_sender sender{};
    delivery_options delivery{};
    milliseconds poll_interval{5'000};  // for retries and what other processes queued; what this process queues is sent at once
    milliseconds stop_grace{10'000};    // a batch in hand gets this long at stop
    std::size_t max_batch = 128;        // events handled in one transaction
};

class service {
public:
    // Subscribes to the order service's events. Throws what the mailer's constructor throws.
    service(deps, options);
    ~service();
    [[nodiscard]] rpc::served served();
    [[nodiscard]] bv::module lifecycle();
    [[nodiscard]] static pg::migration_set migrations();

private:
    struct impl;
    std::unique_ptr<impl> impl_;
};

}  // namespace bv::notification
