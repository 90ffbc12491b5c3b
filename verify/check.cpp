#include "verify/check.hpp"

#include <exception>
#include <utility>

#include <fmt/format.h>

#include "platform/runtime/scope.hpp"
#include "verify/checks.hpp"
#include "verify/quiet.hpp"

namespace bv::verify {
namespace {

constexpr milliseconds look_again{200};

storage::transaction_options reading() {
    storage::transaction_options o;
    o.identity = storage::system_identity("service:verify");
    o.isolation = storage::isolation::repeatable_read;
    o.read_only = true;
    return o;
}

struct job {
    runtime& machine;
    pg::database& admin;
    options with;
    report out;

    void say(std::string_view step) const {
        if (with.progress) with.progress(step);
    }
    finding& at(std::string_view id) {
        for (auto& f : out.findings) {
            if (f.invariant == id) return f;
        }
        throw std::logic_error("an invariant that is not listed");
    }
};

milliseconds since(steady_point from) { return std::chrono::duration_cast<milliseconds>(system_clock().steady_now() - from); }

task<void> expect_data(pg::database& admin) {
    constexpr pg::statement sql{"verify.expect_data", R"(
        SELECT to_regclass('orders.events') IS NOT NULL AND to_regclass('inventory.stock') IS NOT NULL AND to_regclass('payment.payments') IS NOT NULL
           AND to_regclass('notification.notifications') IS NOT NULL AND to_regclass('audit.entries') IS NOT NULL AND to_regclass('product.products') IS NOT NULL)"};
    const auto rows = co_await admin.query(sql);
    if (!rows.front().get<bool>(0))
        throw failure(code::not_found, "NO_DATA", "the database holds no platform: its tables are not there. Start it once with: bv up");
}

task<void> wait_until_quiet(job& j) {
    const auto from = system_clock().steady_now();
    const auto until = from + j.with.wait;
    while (j.with.live && j.with.wait.count() > 0) {
        const auto now = co_await j.admin.transact(reading(), [](storage::unit_of_work& uow) { return read_activity(pg::of(uow)); });
        if (now.none() || system_clock().steady_now() >= until) break;
        j.say(fmt::format("waiting for quiet: {}", now.str()));
        co_await system_clock().sleep_for(look_again);
    }
    j.out.waited = since(from);
}

// Runs one check of one finding, and says how long it took.
task<void> timed(const job& j, finding& f, task<void> work) {
    j.say(f.invariant);
    const auto from = system_clock().steady_now();
    co_await std::move(work);
    f.took += since(from);
}

task<void> open_snapshot(job& j, snapshot& s) {
    constexpr pg::statement now{"verify.now", "SELECT now()"};
    // For the sorts of the audit trail; of this transaction only.
    co_await s.tx.execute("SET LOCAL work_mem = '128MB'");
    j.out.at = (co_await s.tx.query(now)).front().get<time_point>(0);
    const auto activity = co_await read_activity(s.tx);
    j.out.quiet = s.quiet = activity.none();
    j.out.under_way = s.quiet ? "" : activity.str();
    s.under_way = co_await orders_under_way(s.tx);
    s.is_under_way = {s.under_way.begin(), s.under_way.end()};
    j.out.left_out = std::ssize(s.under_way);
}

task<void> check_in_snapshot(job& j, snapshot& s) {
    co_await timed(j, j.at("stock.conserved"), check_stock(s, j.at("stock.conserved")));
    co_await timed(j, j.at("ledger.balanced"), check_ledger(s, j.at("ledger.balanced")));
    co_await timed(j, j.at("payments.match_orders"), check_payment_books(s, j.at("payments.match_orders")));
    co_await timed(j, j.at("stock.matches_orders"),
                   check_orders(s, {j.at("stock.matches_orders"), j.at("payments.match_orders"), j.at("notifications.once"), j.at("streams.legal")}, j.with.progress));
    co_await timed(j, j.at("streams.legal"), check_first_versions(s, j.at("streams.legal")));
    co_await timed(j, j.at("notifications.once"), check_notifications(s, j.at("notifications.once")));
    co_await timed(j, j.at("projections.fold"), check_read_models(s, j.at("projections.fold")));
    co_await timed(j, j.at("events.once"), check_events(s, j.at("events.once")));
    co_await timed(j, j.at("orders.final"), check_final(s, j.at("orders.final"), j.with.live, j.with.grace));
    if (j.with.provider)
        co_await timed(j, j.at("provider.agrees"), check_provider(s, j.admin, *j.with.provider, j.at("provider.agrees")));
    else
        j.at("provider.agrees").skipped = j.with.no_provider;
    co_await timed(j, j.at("audit.complete"), check_audit(s, j.at("audit.complete"), j.with.progress));
}

// The connection may be lost and the transaction run again: everything it fills in begins anew.
task<void> run(job& j, storage::unit_of_work& uow) {
    j.out.findings.clear();
    for (const auto& i : all_invariants()) {
        auto& f = j.out.findings.emplace_back();
        f.invariant = i.id;
        f.statement = i.statement;
    }
    snapshot s{.tx = pg::of(uow), .most = j.with.most_violations};
    co_await open_snapshot(j, s);
    co_await check_in_snapshot(j, s);
}

// The order service's own check, on another core beside the rest.
struct beside {
    finding streams, projections;
    std::exception_ptr broken;
};

task<void> run_beside(job& j, beside& b) {
    const auto from = system_clock().steady_now();
    try {
        co_await check_streams(j.machine, j.admin, j.with.most_violations, b.streams, b.projections);
    } catch (...) {
        b.broken = std::current_exception();
    }
    b.streams.took = b.projections.took = since(from);
}

void merge(finding& to, finding from, std::size_t most) {
    to.checked += from.checked;
    to.took += from.took;
    to.violation_count += from.violation_count;
    to.skipped = std::move(from.skipped);
    for (auto& v : from.violations) {
        if (to.violations.size() < most) to.violations.push_back(std::move(v));
    }
}

// Right after much was loaded the tables have no statistics yet, and the planner would join a million rows one by one.
// The trail is left out: its check reads it whole anyway.
task<void> refresh_statistics(job& j) {
    static constexpr std::string_view sql = R"(DO $$ DECLARE t record; BEGIN
        FOR t IN SELECT schemaname, tablename FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema', 'audit') LOOP
            EXECUTE format('ANALYZE %I.%I', t.schemaname, t.tablename);
        END LOOP; END $$)";
    j.say("statistics");
    try {
        co_await j.admin.run({}, [](storage::unit_of_work& uow) { return pg::of(uow).execute(std::string(sql)); });
    } catch (const pg::sql_error&) {
        // A role that may not: slower, not wrong.
    }
}

}  // namespace

task<report> check(runtime& machine, pg::database& admin, options o) {
    job j{machine, admin, std::move(o), {}};
    co_await expect_data(admin);
    co_await wait_until_quiet(j);
    const auto from = system_clock().steady_now();
    co_await refresh_statistics(j);
    scope work("verify");
    beside b;
    std::exception_ptr broken;
    work.spawn(machine.context(machine.cores() - 1).get_executor(), run_beside(j, b));
    try {
        co_await admin.run(reading(), [&j](storage::unit_of_work& uow) { return run(j, uow); });
    } catch (...) {
        broken = std::current_exception();
    }
    if (broken) work.stop();
    co_await work.join();
    if (broken) std::rethrow_exception(broken);
    if (b.broken) std::rethrow_exception(b.broken);
    merge(j.at("streams.legal"), std::move(b.streams), j.with.most_violations);
    merge(j.at("projections.fold"), std::move(b.projections), j.with.most_violations);
    j.out.took = since(from);
    co_return std::move(j.out);
}

}  // namespace bv::verify
