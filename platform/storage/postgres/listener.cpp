#include "platform/storage/postgres/listener.hpp"

#include <algorithm>

#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <libpq-fe.h>

#include "platform/storage/postgres/sql_errors.hpp"
#include "platform/telemetry/log.hpp"

namespace bv::pg {
namespace {

constexpr milliseconds first_delay{20}, max_delay{1'000};

std::string quoted(std::string_view name) {
    std::string out = "\"";
    for (const char c : name) {
        if (c == '"') out.push_back('"');
        out.push_back(c);
    }
    return out + "\"";
}

using on_notification = std::function<void(std::string_view, std::string_view)>;

void deliver(PGconn* c, const on_notification& on_notify) {
    while (PGnotify* raw = PQnotifies(c)) {
        const std::unique_ptr<PGnotify, void (*)(void*)> n(raw, PQfreemem);
        on_notify(n->relname, n->extra);
    }
}

// A listener waits for ever, so it is told when another login is used from now on.
struct change_watch {
    std::shared_ptr<bool> alive;  // held by the listener alone, so that nobody touches a wire that is gone
    std::shared_ptr<std::function<void()>> tell;
};

change_watch end_at_change(client& shared, channel& wire) {
    change_watch out{std::make_shared<bool>(true), {}};
    out.tell = std::make_shared<std::function<void()>>([at = &wire, executor = wire.executor(), alive = std::weak_ptr(out.alive)] {
        asio::post(executor, [at, alive] {
            if (!alive.expired()) at->end_wait();
        });
    });
    shared.on_change(out.tell);
    return out;
}

// Ends when another login is to be used; by an exception when the connection is lost or the task is cancelled.
task<void> listen_once(channel& wire, std::shared_ptr<client> shared, const std::vector<std::string>& channels, const on_notification& on_notify,
                       bool& listening) {
    co_await wire.connect(shared->clock.steady_now() + shared->options.connect_timeout);
    std::string sql;
    for (const auto& name : channels) sql += "LISTEN " + quoted(name) + ";";
    wire.set_deadline(shared->clock.steady_now() + shared->options.connect_timeout);
    if (PQsendQuery(wire.raw(), sql.c_str()) != 1) wire.lost();
    for (;;) {
        co_await wire.result_ready();
        PGresult* raw = PQgetResult(wire.raw());
        if (raw == nullptr) break;
        const rows result(raw);
        if (PQresultStatus(raw) != PGRES_COMMAND_OK) throw error_of(raw, "LISTEN");
    }
    if (!wire.usable()) wire.lost();
    wire.clear_deadline();
    listening = true;
    for (const auto& name : channels) on_notify(name, {});
    const auto watch = end_at_change(*shared, wire);
    while (wire.current()) {
        deliver(wire.raw(), on_notify);
        co_await wire.readable();
    }
}

}  // namespace

task<void> listen_forever(std::shared_ptr<client> shared, std::vector<std::string> channels, on_notification on_notify) {
    const auto executor = co_await asio::this_coro::executor;
    milliseconds delay = first_delay;
    for (;;) {
        channel wire(executor, shared);
        bool listening = false;
        try {
            co_await listen_once(wire, shared, channels, on_notify, listening);
        } catch (const failure& e) {
            if (wire.current()) telemetry::warn("pg.listen_lost", {{"database", shared->options.name}, {"error", e.what()}});
        }
        if (listening) delay = first_delay;
        co_await shared->clock.sleep_for(delay / 2 + milliseconds(system_rng().below(static_cast<std::uint64_t>(delay.count()))));
        delay = std::min(2 * delay, max_delay);
    }
}

}  // namespace bv::pg
