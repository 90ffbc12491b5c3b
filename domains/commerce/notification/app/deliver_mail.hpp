// Sends notices by e-mail, as jobs, in batches: a constant number of statements and one look-up of addresses for each.
//
// At least once: a worker that ends between sending and noting it down sends again under the same Message-ID.
#pragma once

#include <map>
#include <vector>

#include "domains/commerce/notification/app/ports.hpp"
#include "platform/core/clock.hpp"
#include "platform/jobs/job_queue.hpp"

namespace bv::notification {

// When a mail is tried again: for about five days in all (RFC 5321 section 4.5.4.1).
inline const jobs::policy mail_policy{
    .lease = milliseconds(120'000),
    .attempts = 30,
    .delays = {milliseconds(5'000), milliseconds(20'000), milliseconds(80'000), milliseconds(320'000), milliseconds(1'280'000), milliseconds(5'120'000), milliseconds(20'480'000)}};

struct delivery_options {
    int batch = 200;
    milliseconds patience{90'000};  // for the mailer with a batch: less than the jobs' lease
};

class deliver_mail {
public:
    deliver_mail(storage::transactor& db, notification_store& s, jobs::job_queue& j, contact_book& b, mailer& m, clock& c, delivery_options o)
        : db_(db), store_(s), jobs_(j), book_(b), mailer_(m), clock_(c), options_(o) {}

    // One batch. True: there may be more to do at once. Throws failure when the store is away; nothing is lost then, and what was
    // claimed is due again after its lease. Concurrent calls, also of other processes, share the work.
    task<bool> operator()();

private:
    using deliveries = std::map<notice_id, attempted_delivery>;
    task<void> deliver(const std::vector<jobs::job>&);
    task<deliveries> attempt(const storage::identity&, const telemetry::span_context&, const std::vector<jobs::job>&);
    task<void> note_in(storage::unit_of_work&, const std::vector<jobs::job>&, const deliveries&, std::vector<attempted_delivery>& noted);

    storage::transactor& db_;
    notification_store& store_;
    jobs::job_queue& jobs_;
    contact_book& book_;
    mailer& mailer_;
    clock& clock_;
    delivery_options options_;
};

}  // namespace bv::notification
