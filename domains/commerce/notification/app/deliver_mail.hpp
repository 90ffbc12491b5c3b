// Sends queued notices by e-mail, in batches: a constant number of statements and one look-up of addresses for each.
//
// At least once: a worker that ends between sending and noting it down sends again under the same Message-ID.
#pragma once

#include <span>
#include <vector>

#include "domains/commerce/notification/app/ports.hpp"
#include "platform/core/clock.hpp"

namespace bv::notification {

struct delivery_options {
    int batch = 200;
    milliseconds lease{120'000};          // a batch must be sent within three quarters of it
    int attempts = 30;                    // with these delays, for about five days (RFC 5321 section 4.5.4.1)
    milliseconds first_delay{5'000};      // doubles with each attempt, with jitter
    milliseconds max_delay{6 * 3'600'000};
};

class deliver_mail {
public:
    deliver_mail(notification_store& s, contact_book& b, mailer& m, clock& c, rng& r, delivery_options o)
        : store_(s), book_(b), mailer_(m), clock_(c), rng_(r), options_(o) {}

    // One batch. True: there may be more to do at once. Throws failure when the store or the address book is away;
    // nothing is lost then. Concurrent calls, also of other processes, share the work.
    task<bool> operator()();

private:
    task<std::size_t> send(const storage::identity&, std::vector<contact>, std::vector<notice_id>);
    attempted_delivery judge(const claimed_delivery&, const result<void>&, time_point now);

    notification_store& store_;
    contact_book& book_;
    mailer& mailer_;
    clock& clock_;
    rng& rng_;
    delivery_options options_;
};

}  // namespace bv::notification
