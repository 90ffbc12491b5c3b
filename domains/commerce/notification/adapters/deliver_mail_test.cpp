#include "domains/commerce/notification/app/deliver_mail.hpp"

#include <gtest/gtest.h>

#include <set>
#include <thread>

#include "domains/commerce/notification/adapters/contract_contacts.hpp"
#include "domains/commerce/notification/adapters/notification_world.hpp"

namespace bv::notification {
namespace {

using namespace testing;

class deliver_mail_ : public ::testing::Test {
protected:
    void queue(std::uint64_t from, std::uint64_t to, bool with_address = true) {
        std::vector<events::event> batch;
        for (auto n = from; n <= to; ++n) {
            batch.push_back(an_event(confirmed_order(order(n), customer(n))));
            if (with_address) book.set(customer(n), "buyer" + std::to_string(n) + "@example.org");
        }
        world.consume(batch);
    }
    deliver_mail worker(mailer& m) { return {world.db, world.store, world.mails, contacts, m, world.time, options}; }
    deliver_mail worker() { return worker(mail); }
    bool deliver() {
        auto w = worker();
        return world.cores.block_on(w());
    }
    // This one's lease has run out, and another worker, on the other core, does a batch while this one waits for it.
    void deliver_elsewhere() {
        std::thread([this] {
            world.make_due(1);
            auto other = worker(mail);
            world.cores.block_on(other(), 1);
        }).join();
    }
    delivery only() {
        const auto all = world.cores.block_on(world.store.list_deliveries(storage::system_identity("test"), std::nullopt, std::nullopt, 10));
        EXPECT_EQ(all.size(), 1u);
        return all.at(0);
    }
    std::int64_t with_status(delivery_status s) {
        return world.number("SELECT count(*) FROM notification.deliveries WHERE status = " + std::to_string(static_cast<int>(s)));
    }

    static constexpr int attempts = 4;
    notification_world world{{.lease = std::chrono::hours(1), .attempts = attempts, .delays = {std::chrono::hours(1)}}};
    address_book book;
    contract_contacts contacts{book};
    recording_mailer mail;
    delivery_options options;
};

TEST_F(deliver_mail_, sends_what_is_queued_once) {
    queue(1, 3);
    EXPECT_TRUE(deliver());
    EXPECT_FALSE(deliver());
    ASSERT_EQ(mail.sent().size(), 3u);
    std::set<std::string> to;
    for (const auto& m : mail.sent()) {
        to.insert(m.to);
        EXPECT_NE(m.text.find("12.34 GBP"), std::string::npos);
    }
    EXPECT_EQ(to, (std::set<std::string>{"buyer1@example.org", "buyer2@example.org", "buyer3@example.org"}));
    EXPECT_EQ(with_status(delivery_status::sent), 3);
    EXPECT_EQ(book.calls(), 1);
}

TEST_F(deliver_mail_, an_event_that_comes_again_sends_nothing_again) {
    queue(1, 1);
    deliver();
    queue(1, 1);
    deliver();
    EXPECT_EQ(mail.sent().size(), 1u);
    EXPECT_EQ(only().status, delivery_status::sent);
}

TEST_F(deliver_mail_, keeps_no_address) {
    queue(1, 1);
    mail.answer = [](const auto&) -> result<void> { return fail(code::unavailable, "MAIL_DEFERRED", "the mail server answered 451 to RCPT"); };
    deliver();
    for (const char* table : {"notification.notifications", "notification.deliveries", "audit.entries"})
        EXPECT_EQ(world.number(std::string("SELECT count(*) FROM ") + table + " t WHERE t::text LIKE '%example.org%'"), 0) << table;
}

TEST_F(deliver_mail_, tries_again_later_and_gives_up_in_the_end) {
    queue(1, 1);
    mail.answer = [](const auto&) -> result<void> { return fail(code::unavailable, "MAIL_DEFERRED", "the mail server answered 451 to RCPT"); };
    for (int attempt = 1; attempt < attempts; ++attempt) {
        deliver();
        EXPECT_EQ(only().status, delivery_status::queued);
        EXPECT_EQ(only().attempts, attempt);
        EXPECT_EQ(only().last_error, "MAIL_DEFERRED: the mail server answered 451 to RCPT");
        deliver();
        EXPECT_EQ(mail.sent().size(), static_cast<std::size_t>(attempt)) << "too early";
        world.make_due();
    }
    deliver();
    EXPECT_EQ(only().status, delivery_status::failed);
    EXPECT_EQ(only().attempts, attempts);
    world.make_due();
    deliver();
    EXPECT_EQ(mail.sent().size(), static_cast<std::size_t>(attempts));
}

TEST_F(deliver_mail_, what_was_given_up_is_sent_when_it_is_asked_for_again) {
    queue(1, 1);
    mail.answer = [](const auto&) -> result<void> { return fail(code::failed_precondition, "MAIL_REFUSED", "the mail server answered 550 to RCPT"); };
    deliver();
    EXPECT_EQ(only().status, delivery_status::failed);
    mail.answer = [](const auto&) -> result<void> { return {}; };
    EXPECT_EQ(world.cores.block_on(world.mails.revive(std::nullopt)), 1);
    deliver();
    EXPECT_EQ(only().status, delivery_status::sent);
    EXPECT_EQ(world.number("SELECT count(*) FROM notification.jobs"), 0);
}

// Its worker noted it down, and could not tell the queue any more.
TEST_F(deliver_mail_, a_job_whose_mail_is_sent_already_sends_nothing) {
    queue(1, 1);
    world.execute("UPDATE notification.deliveries SET status = 2");
    deliver();
    EXPECT_TRUE(mail.sent().empty());
    EXPECT_EQ(world.number("SELECT count(*) FROM notification.jobs"), 0);
}

TEST_F(deliver_mail_, goes_on_the_trace_of_its_order) {
    auto e = an_event(confirmed_order(order(1), customer(1)));
    e.traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    world.consume({an_event(confirmed_order(order(2), customer(2))), e});
    const auto claimed = world.cores.block_on(world.mails.claim(10));
    ASSERT_EQ(claimed.size(), 2u);
    EXPECT_EQ(std::ranges::count(claimed, e.traceparent, &jobs::job::traceparent), 1);
}

TEST_F(deliver_mail_, a_retry_that_works_is_sent) {
    queue(1, 1);
    int calls = 0;
    mail.answer = [&](const auto&) -> result<void> {
        if (++calls == 1) return fail(code::deadline_exceeded, "DEADLINE_EXCEEDED", "too slow");
        return {};
    };
    deliver();
    world.make_due();
    deliver();
    EXPECT_EQ(only().status, delivery_status::sent);
    EXPECT_EQ(only().attempts, 2);
    EXPECT_EQ(only().last_error, "");
    EXPECT_EQ(mail.sent()[0].id, mail.sent()[1].id);
}

TEST_F(deliver_mail_, a_final_refusal_is_not_tried_again_and_harms_no_other) {
    queue(1, 3);
    mail.answer = [](const auto& m) -> result<void> {
        if (m.to == "buyer2@example.org") return fail(code::failed_precondition, "MAIL_REFUSED", "the mail server answered 550 to RCPT");
        return {};
    };
    deliver();
    EXPECT_EQ(with_status(delivery_status::sent), 2);
    EXPECT_EQ(with_status(delivery_status::failed), 1);
}

TEST_F(deliver_mail_, buyers_without_address_cost_no_attempt_and_no_mail) {
    queue(1, 500, false);
    book.set(customer(7), "");  // known, without address
    int rounds = 0;
    while (deliver()) ++rounds;
    EXPECT_EQ(rounds, 3);
    EXPECT_EQ(book.calls(), 3);
    EXPECT_EQ(with_status(delivery_status::no_address), 500);
    EXPECT_EQ(world.number("SELECT sum(attempts) FROM notification.deliveries"), 0);
    EXPECT_EQ(world.number("SELECT count(*) FROM audit.entries WHERE table_name = 'notification.deliveries' AND operation = 2"), 500);
    EXPECT_TRUE(mail.sent().empty());
}

TEST_F(deliver_mail_, nothing_is_lost_while_the_address_book_is_away) {
    queue(1, 1);
    book.set_away(true);
    deliver();
    EXPECT_EQ(only().status, delivery_status::queued);
    EXPECT_EQ(only().last_error, "AWAY: the address book is away");
    book.set_away(false);
    world.make_due();
    deliver();
    EXPECT_EQ(only().status, delivery_status::sent);
}

TEST_F(deliver_mail_, a_worker_that_dies_is_replaced_after_its_lease) {
    queue(1, 1);
    mail.before = [] { throw std::runtime_error("the worker died"); };
    EXPECT_THROW(deliver(), std::runtime_error);
    mail.before = [] {};
    deliver();
    EXPECT_TRUE(mail.sent().empty()) << "still leased";
    world.make_due();
    deliver();
    EXPECT_EQ(mail.sent().size(), 1u);
    EXPECT_EQ(only().status, delivery_status::sent);
    EXPECT_EQ(only().attempts, 2);
}

TEST_F(deliver_mail_, a_worker_slower_than_its_lease_changes_nothing_any_more) {
    queue(1, 1);
    recording_mailer slow;
    slow.before = [this] {  // while it sends, its lease runs out and another worker does the work
        deliver_elsewhere();
    };
    slow.answer = [](const auto&) -> result<void> { return fail(code::failed_precondition, "MAIL_REFUSED", "late"); };
    auto w = worker(slow);
    world.cores.block_on(w(), 0);
    EXPECT_EQ(mail.sent().size(), 1u);
    EXPECT_EQ(only().status, delivery_status::sent);
    EXPECT_EQ(only().attempts, 2);
}

TEST_F(deliver_mail_, a_late_verdict_does_not_end_the_attempt_of_another_worker) {
    queue(1, 1);
    mail.answer = [](const auto&) -> result<void> { return fail(code::unavailable, "MAIL_DEFERRED", "again"); };
    recording_mailer slow;
    slow.before = [this] {
        deliver_elsewhere();
    };
    slow.answer = [](const auto&) -> result<void> { return fail(code::failed_precondition, "MAIL_REFUSED", "late"); };
    auto w = worker(slow);
    world.cores.block_on(w(), 0);
    EXPECT_EQ(only().status, delivery_status::queued);
    EXPECT_EQ(only().last_error, "MAIL_DEFERRED: again");
}

TEST_F(deliver_mail_, workers_share_what_is_queued) {
    queue(1, 200);
    queue(201, 400);
    options.batch = 37;
    const auto work = [this](std::size_t core) {
        auto w = worker();
        while (world.cores.block_on(w(), core)) {
        }
    };
    std::thread other([&] { work(1); });
    work(0);
    other.join();
    std::set<notice_id> ids;
    for (const auto& m : mail.sent()) ids.insert(m.id);
    EXPECT_EQ(mail.sent().size(), 400u);
    EXPECT_EQ(ids.size(), 400u);
    EXPECT_EQ(with_status(delivery_status::sent), 400);
}

}  // namespace
}  // namespace bv::notification
