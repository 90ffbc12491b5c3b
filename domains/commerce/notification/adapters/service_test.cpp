// The service as the process runs it: events in the order service's outbox become mails and notices.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "domains/commerce/notification/adapters/notification_world.hpp"
#include "platform/events/embedded_log.hpp"
#include "platform/events/pg_outbox.hpp"

namespace bv::notification {
namespace {

using namespace testing;
namespace fs = std::filesystem;

class notification_service_ : public ::testing::Test {
protected:
    notification_service_() {
        auto pattern = (fs::temp_directory_path() / "bv_mail_XXXXXX").string();
        folder = ::mkdtemp(pattern.data());
        options.mail_folder = folder / "mail";
        options.poll_interval = std::chrono::hours(1);  // only the wake-up after a commit can be what sends
    }
    ~notification_service_() override { fs::remove_all(folder); }

    static task<void> append_in(notification_service_* self, storage::unit_of_work* uow, std::vector<events::outgoing> out) {
        co_await self->box.append(*uow, std::move(out));
    }
    static task<void> append(notification_service_* self, std::vector<events::outgoing> out) {
        co_await self->world.orders_db.run({}, [self, &out](storage::unit_of_work& uow) { return append_in(self, &uow, out); });
    }
    template <class Message>
    events::outgoing outgoing(const Message& m) {
        return {uuid::v7(system_clock(), system_rng()), Message::descriptor()->full_name(), m.order_id(), m.SerializeAsString()};
    }
    std::size_t mails() const {
        std::size_t n = 0;
        if (fs::exists(options.mail_folder))
            for (const auto& e : fs::recursive_directory_iterator(options.mail_folder)) n += e.path().extension() == ".eml" ? 1 : 0;
        return n;
    }
    template <class Condition>
    static bool eventually(Condition c) {
        for (int i = 0; i < 1'000; ++i) {
            if (c()) return true;
            std::this_thread::sleep_for(milliseconds(10));
        }
        return false;
    }

    fs::path folder;
    notification_world world;
    address_book book;
    events::pg_outbox box{"orders"};
    notification::options options;
};

TEST_F(notification_service_, turns_outcomes_into_notices_and_mails_at_once) {
    for (std::uint64_t n = 1; n <= 3; ++n) book.set(customer(n), "buyer@example.org");
    events::embedded_log log(world.cores, world.log_db);
    service notifications({world.cores, system_clock(), world.db, log, world.mails, book}, options);
    const std::array modules{notifications.lifecycle()};
    world.cores.block_on(modules[0].start());
    world.cores.block_on(log.start());
    std::vector<events::outgoing> out;
    for (std::uint64_t n = 1; n <= 4; ++n) out.push_back(outgoing(confirmed_order(order(n), customer(n))));
    out.push_back(outgoing(cancelled_order(order(1), customer(1))));
    out.push_back(outgoing(confirmed_order(order(1), customer(1))));  // said twice
    world.cores.block_on(append(this, std::move(out)));
    EXPECT_TRUE(eventually([&] { return world.number("SELECT count(*) FROM notification.deliveries WHERE status IN (2, 4)") == 5; }));
    EXPECT_EQ(mails(), 4u);
    EXPECT_EQ(world.number("SELECT count(*) FROM notification.deliveries WHERE status = 4"), 1);
    EXPECT_EQ(world.number("SELECT count(*) FROM notification.notifications"), 5);
    world.cores.block_on(log.stop());
    world.cores.block_on(modules[0].stop());
    EXPECT_EQ(notifications.served().methods.size(), 3u);
}

}  // namespace
}  // namespace bv::notification
