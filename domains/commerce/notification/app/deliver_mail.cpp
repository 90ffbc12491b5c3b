#include "domains/commerce/notification/app/deliver_mail.hpp"

#include <algorithm>
#include <exception>
#include <optional>

#include "platform/telemetry/log.hpp"
#include "platform/telemetry/metrics.hpp"
#include "platform/telemetry/semconv.hpp"
#include "platform/telemetry/trace.hpp"

namespace bv::notification {

namespace {

constexpr std::string_view actor = "service:notification";

void count(delivery_status s) {
    const std::string_view outcome = s == delivery_status::sent ? "sent" : s == delivery_status::queued ? "deferred" : s == delivery_status::failed ? "failed" : "no_address";
    telemetry::count("notification_deliveries_total", "Attempts to deliver a notification by e-mail", {{"outcome", outcome}}).add();
}

bool is_final(code c) { return c == code::invalid_argument || c == code::failed_precondition; }

// Of a job, within the trace of the order that it is about.
telemetry::span span_of(const jobs::job& j, const telemetry::span_context& batch) {
    telemetry::span out("deliver mail", telemetry::span_kind::consumer, telemetry::span_context::parse(j.traceparent));
    out.set(telemetry::semconv::service_name, "notification");
    out.set("messaging.message.id", j.id.str());
    out.set("job.attempt", static_cast<std::int64_t>(j.attempt));
    out.link(batch);
    return out;
}

attempted_delivery judged(const jobs::job& j, const result<void>& answer) {
    attempted_delivery out{{j.id}, j.attempt, delivery_status::sent, {}};
    if (answer) return out;
    const auto& why = answer.error();
    out.status = is_final(why.code) ? delivery_status::failed : delivery_status::queued;
    out.last_error = why.reason + ": " + why.message;
    return out;
}

jobs::finished end_of(const jobs::job& j, const attempted_delivery* a) {
    if (!a) return {j.id, j.attempt, jobs::verdict::done};  // sent before: by whom could not say so to the queue any more
    const auto how = a->status == delivery_status::queued ? jobs::verdict::again : a->status == delivery_status::failed ? jobs::verdict::dead : jobs::verdict::done;
    return {j.id, j.attempt, how, a->last_error};
}

}  // namespace

task<bool> deliver_mail::operator()() {
    const auto claimed = co_await jobs_.claim(options_.batch);
    if (claimed.empty()) co_return false;
    std::exception_ptr broken;
    try {
        co_await deliver(claimed);
    } catch (...) {
        broken = std::current_exception();
    }
    jobs_.let_go(claimed);
    if (broken) std::rethrow_exception(broken);
    co_return true;
}

task<void> deliver_mail::deliver(const std::vector<jobs::job>& claimed) {
    telemetry::span batch("deliver mails", telemetry::span_kind::internal, {});
    batch.set(telemetry::semconv::service_name, "notification");
    batch.set(telemetry::semconv::batch_size, static_cast<std::int64_t>(claimed.size()));
    std::vector<telemetry::span> spans;
    for (const auto& j : claimed) spans.push_back(span_of(j, batch.context()));
    const auto who = storage::system_identity(std::string(actor), batch.context().traceparent());
    const auto attempted = co_await attempt(who, batch.context(), claimed);
    for (std::size_t i = 0; i < claimed.size(); ++i)
        if (const auto a = attempted.find({claimed[i].id}); a != attempted.end() && !a->second.last_error.empty()) spans[i].fail(a->second.last_error);
    storage::transaction_options o;
    o.identity = who;
    std::vector<attempted_delivery> noted;
    co_await db_.run(std::move(o), [&](storage::unit_of_work& uow) { return note_in(uow, claimed, attempted, noted); });
    for (const auto& d : noted) {
        count(d.status);
        if (d.status == delivery_status::failed) telemetry::warn("notification.mail_given_up", {{"notification_id", d.notice.str()}, {"attempts", d.attempt}, {"reason", d.last_error}});
    }
}

task<deliver_mail::deliveries> deliver_mail::attempt(const storage::identity& who, const telemetry::span_context& trace, const std::vector<jobs::job>& claimed) {
    const auto deadline = clock_.steady_now() + options_.patience;
    std::vector<notice_id> ids;
    std::map<notice_id, const jobs::job*> by_notice;
    for (const auto& j : claimed) by_notice.emplace(ids.emplace_back(notice_id{j.id}), &j);
    auto unsent = co_await store_.find_unsent(who, std::move(ids));
    deliveries out;
    if (unsent.empty()) co_return out;

    std::vector<customer_id> customers;
    for (const auto& d : unsent) customers.push_back(d.customer);
    std::ranges::sort(customers);
    customers.erase(std::ranges::unique(customers).begin(), customers.end());
    std::map<customer_id, contact> contacts;
    std::optional<error> away;
    try {
        auto found = co_await book_.find(trace, std::move(customers));
        for (auto& c : found)
            if (!c.email.empty()) contacts.emplace(c.customer, std::move(c));
    } catch (const failure& f) {
        away = {code::unavailable, f.error().reason, f.error().message};
    }
    if (away) {
        for (const auto& d : unsent) out.emplace(d.notice, judged(*by_notice.at(d.notice), std::unexpected(*away)));
        co_return out;
    }

    std::vector<mail> mails;
    for (auto& d : unsent) {
        const auto to = contacts.find(d.customer);
        if (to != contacts.end()) mails.push_back({d.notice, d.created_at, to->second.email, to->second.name, std::move(d.subject), std::move(d.text)});
        else out.emplace(d.notice, attempted_delivery{d.notice, by_notice.at(d.notice)->attempt - 1, delivery_status::no_address, {}});
    }
    if (mails.empty()) co_return out;
    std::vector<notice_id> sent;
    for (const auto& m : mails) sent.push_back(m.id);
    const auto answers = co_await mailer_.send(std::move(mails), deadline);
    for (std::size_t i = 0; i < sent.size(); ++i) out.emplace(sent[i], judged(*by_notice.at(sent[i]), answers.at(i)));
    co_return out;
}

// Of jobs that another worker has by now nothing is noted down: it says itself what became of them.
task<void> deliver_mail::note_in(storage::unit_of_work& uow, const std::vector<jobs::job>& claimed, const deliveries& attempted,
                                 std::vector<attempted_delivery>& noted) {
    noted.clear();  // of a run that was rolled back
    std::vector<jobs::finished> ends;
    for (const auto& j : claimed) {
        const auto a = attempted.find({j.id});
        ends.push_back(end_of(j, a == attempted.end() ? nullptr : &a->second));
    }
    const auto settled = co_await jobs_.finish(uow, std::move(ends));
    for (const auto& s : settled) {
        const auto a = attempted.find({s.id});
        if (a == attempted.end()) continue;
        auto& one = noted.emplace_back(a->second);
        if (s.how == jobs::verdict::dead) one.status = delivery_status::failed;
    }
    if (!noted.empty()) co_await store_.note(uow, noted, clock_.now());
}

}  // namespace bv::notification
