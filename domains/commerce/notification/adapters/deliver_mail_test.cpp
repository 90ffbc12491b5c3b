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
    deliver_mail_() {
        options.attempts = 4;
        options.batch = 200;
    }
    void queue(std::uint64_t from, std::uint64_t to, bool with_address = true) {
        std::vector<events::event> batch;
        for (auto n = from; n <= to; ++n) {
            batch.push_back(an_event(confirmed_order(order(n), customer(n))));
            if (with_address) book.set(customer(n), "buyer" + std::to_string(n) + "@example.org");
        }
        world.consume(batch);
    }
    deliver_mail worker(mailer& m) { return {world.store, contacts, m, world.time, random, options}; }
    deliver_mail worker() { return worker(mail); }
    bool deliver() {
        auto w = worker();
        return world.cores.block_on(w());
    }
    // A batch of another worker, on the other core, while this one waits for it.
    void deliver_elsewhere() {
        std::thread([this] {
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

    notification_world world;
    address_book book;
    contract_contacts contacts{book};
    recording_mailer mail;
    seeded_rng random{1};
    delivery_options options;
};

TEST_F(deliver_mail_, sends_what_is_queued_once) {
    queue(1, 3);
    EXPECT_FALSE(deliver());
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
    for (int attempt = 1; attempt < options.attempts; ++attempt) {
        deliver();
        EXPECT_EQ(only().status, delivery_status::queued);
        EXPECT_EQ(only().attempts, attempt);
        EXPECT_EQ(only().last_error, "MAIL_DEFERRED: the mail server answered 451 to RCPT");
        const auto longest = options.first_delay * (1 << (attempt - 1));
        world.time.advance(longest / 2 - milliseconds(1));
        deliver();
        EXPECT_EQ(mail.sent().size(), static_cast<std::size_t>(attempt)) << "too early";
        world.time.advance(longest / 2 + milliseconds(1));
    }
    deliver();
    EXPECT_EQ(only().status, delivery_status::failed);
    EXPECT_EQ(only().attempts, options.attempts);
    world.time.advance(std::chrono::hours(24));
    deliver();
    EXPECT_EQ(mail.sent().size(), static_cast<std::size_t>(options.attempts));
}

TEST_F(deliver_mail_, a_retry_that_works_is_sent) {
    queue(1, 1);
    int calls = 0;
    mail.answer = [&](const auto&) -> result<void> {
        if (++calls == 1) return fail(code::deadline_exceeded, "DEADLINE_EXCEEDED", "too slow");
        return {};
    };
    deliver();
    world.time.advance(options.first_delay);
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
    int rounds = 1;
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
    EXPECT_THROW(deliver(), failure);
    EXPECT_EQ(only().status, delivery_status::queued);
    EXPECT_EQ(only().attempts, 0);
    book.set_away(false);
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
    world.time.advance(options.lease);
    deliver();
    EXPECT_EQ(mail.sent().size(), 1u);
    EXPECT_EQ(only().status, delivery_status::sent);
    EXPECT_EQ(only().attempts, 2);
}

TEST_F(deliver_mail_, a_worker_slower_than_its_lease_changes_nothing_any_more) {
    queue(1, 1);
    recording_mailer slow;
    slow.before = [this] {  // while it sends, its lease runs out and another worker does the work
        world.time.advance(options.lease);
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
        world.time.advance(options.lease);
        deliver_elsewhere();
    };
    slow.answer = [](const auto&) -> result<void> { return fail(code::failed_precondition, "MAIL_REFUSED", "late"); };
    auto w = worker(slow);
    world.cores.block_on(w(), 0);
    EXPECT_EQ(only().status, delivery_status::queued);
    EXPECT_EQ(only().last_error, "MAIL_DEFERRED: again");
}

// Both found it due; the other was quicker.
TEST_F(deliver_mail_, what_another_worker_claimed_meanwhile_is_left_to_it) {
    queue(1, 1);
    mail.answer = [](const auto&) -> result<void> { return fail(code::unavailable, "MAIL_DEFERRED", "again"); };
    book.before = [this] {
        book.before = [] {};
        deliver_elsewhere();
    };
    EXPECT_FALSE(deliver());
    EXPECT_EQ(mail.sent().size(), 1u);
    EXPECT_EQ(only().attempts, 1);
}

TEST_F(deliver_mail_, workers_share_what_is_queued) {
    queue(1, 200);
    queue(201, 400);
    options.batch = 37;
    const auto work = [this](std::size_t core) {
        auto w = worker();
        for (int idle = 0; idle < 20;) idle = world.cores.block_on(w(), core) ? 0 : idle + 1;
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
