// The outbox in PostgreSQL: the table <schema>.outbox, made by platform.create_outbox.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "platform/events/outbox.hpp"
#include "platform/storage/postgres/database.hpp"

namespace bv::events {

// Thread-safe. Appending costs no round trip: one statement is queued and travels with the transaction's next one,
// so its errors (an event id used twice: ALREADY_EXISTS) surface there or at commit.
class pg_outbox final : public outbox {
public:
    // wake is called at each append, before the commit: log::wake, so that the logs of this process and of others look soon.
    // There is no NOTIFY in the transaction: it takes one lock for the whole server until the commit is on disk, which ends group commit.
    explicit pg_outbox(std::string_view schema, std::function<void()> wake = {});

    task<void> append(storage::unit_of_work&, std::vector<outgoing>) override;

private:
    pg::statement append_;
    std::function<void()> wake_;
};

}  // namespace bv::events
