#include "domains/commerce/notification/app/deliver_mail.hpp"

#include <algorithm>
#include <unordered_map>

#include "platform/telemetry/log.hpp"
#include "platform/telemetry/metrics.hpp"
#include "platform/telemetry/semconv.hpp"
#include "platform/telemetry/trace.hpp"

namespace bv::notification {

namespace {

constexpr std::string_view actor = "service:notification";

void count(std::string_view outcome, std::size_t n) {
    if (n > 0) telemetry::count("notification_deliveries_total", "Attempts to deliver a notification by e-mail", {{"outcome", outcome}}).add(n);
}

bool is_final(code c) { return c == code::invalid_argument || c == code::failed_precondition; }

// Between half of the delay and all of it, so that what failed together does not come back together.
milliseconds pause_after(int attempt, const delivery_options& o, rng& r) {
    const auto doubled = o.first_delay * (std::int64_t{1} << std::clamp(attempt - 1, 0, 30));
    const auto half = std::min(o.max_delay, doubled).count() / 2;
    return milliseconds(half + static_cast<std::int64_t>(r.below(static_cast<std::uint64_t>(half) + 1)));
}

}  // namespace

task<bool> deliver_mail::operator()() {
    const auto now = clock_.now();
    auto who = storage::system_identity(std::string(actor));
    const auto due = co_await store_.find_due(who, now, options_.batch);
    if (due.empty()) co_return false;
    telemetry::span span("deliver mail", telemetry::span_kind::internal, {});
    span.set(telemetry::semconv::service_name, "notification");
    span.set(telemetry::semconv::batch_size, static_cast<std::int64_t>(due.size()));
    who.traceparent = span.context().traceparent();

    std::vector<customer_id> customers;
    for (const auto& d : due) customers.push_back(d.customer);
    std::ranges::sort(customers);
    customers.erase(std::ranges::unique(customers).begin(), customers.end());
    auto contacts = co_await book_.find(span.context(), std::move(customers));
    std::erase_if(contacts, [](const contact& c) { return c.email.empty(); });
    std::ranges::sort(contacts, {}, &contact::customer);

    std::vector<notice_id> reachable, unreachable;
    for (const auto& d : due) {
        const bool has_address = std::ranges::binary_search(contacts, d.customer, {}, &contact::customer);
        (has_address ? reachable : unreachable).push_back(d.notice);
    }
    auto done = unreachable.size();
    if (!unreachable.empty()) co_await store_.mark_without_address(who, std::move(unreachable), now);
    count("no_address", done);
    if (!reachable.empty()) done += co_await send(who, std::move(contacts), std::move(reachable));
    // When others had claimed all that was found, looking again at once would find the same.
    co_return done > 0 && static_cast<int>(due.size()) == options_.batch;
}

task<std::size_t> deliver_mail::send(const storage::identity& who, std::vector<contact> contacts, std::vector<notice_id> notices) {
    const auto now = clock_.now();
    const auto deadline = clock_.steady_now() + options_.lease * 3 / 4;
    const auto claimed = co_await store_.claim(who, std::move(notices), now, now + options_.lease);
    if (claimed.empty()) co_return 0;
    std::vector<mail> mails;
    for (const auto& c : claimed) {
        const auto to = std::ranges::lower_bound(contacts, c.customer, {}, &contact::customer);
        mails.push_back({c.notice, c.created_at, to->email, to->name, c.subject, c.text});
    }
    const auto answers = co_await mailer_.send(std::move(mails), deadline);
    const auto ended = clock_.now();
    std::vector<attempted_delivery> attempts;
    for (std::size_t i = 0; i < claimed.size(); ++i) attempts.push_back(judge(claimed[i], answers.at(i), ended));
    for (const auto& [status, outcome] : {std::pair{delivery_status::sent, "sent"}, {delivery_status::queued, "deferred"}, {delivery_status::failed, "failed"}})
        count(outcome, static_cast<std::size_t>(std::ranges::count(attempts, status, &attempted_delivery::status)));
    co_await store_.finish(who, std::move(attempts), ended);
    co_return claimed.size();
}

attempted_delivery deliver_mail::judge(const claimed_delivery& c, const result<void>& answer, time_point now) {
    attempted_delivery out{c.notice, c.attempt, delivery_status::sent, now, {}};
    if (answer) return out;
    const auto& why = answer.error();
    out.last_error = why.reason + ": " + why.message;
    const bool again = !is_final(why.code) && c.attempt < options_.attempts;
    out.status = again ? delivery_status::queued : delivery_status::failed;
    if (again) out.next_at = now + pause_after(c.attempt, options_, rng_);
    if (!again) telemetry::warn("notification.mail_given_up", {{"notification_id", c.notice.str()}, {"attempts", c.attempt}, {"reason", why.reason}});
    return out;
}

}  // namespace bv::notification
