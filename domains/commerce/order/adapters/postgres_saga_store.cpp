#include "domains/commerce/order/adapters/postgres_saga_store.hpp"

#include <map>

#include "platform/storage/postgres/database.hpp"

namespace bv::order {
namespace {

constexpr pg::statement save_steps{"orders.save_saga_steps", R"(
    INSERT INTO orders.saga (order_id, awaiting, deadline_at)
    SELECT * FROM unnest($1::uuid[], $2::smallint[], $3::timestamptz[])
    ON CONFLICT (order_id) DO UPDATE SET awaiting = excluded.awaiting, deadline_at = excluded.deadline_at)"};

constexpr pg::statement end_sagas{"orders.end_sagas", "DELETE FROM orders.saga WHERE order_id = ANY ($1::uuid[])"};

constexpr pg::statement overdue{"orders.overdue_sagas", R"(
    SELECT order_id, awaiting, deadline_at FROM orders.saga
    WHERE deadline_at <= $1 ORDER BY deadline_at LIMIT $2)"};

constexpr pg::statement open_sagas{"orders.open_sagas", "SELECT count(*) FROM orders.saga"};

}  // namespace

// Sorted by order, so that two writers lock in the same order; the last step of an order counts.
task<void> postgres_saga_store::save(storage::unit_of_work& uow, std::vector<saga_step> steps) {
    std::map<order_id, saga_step> last;
    for (const auto& s : steps) last[s.id] = s;
    std::vector<uuid> ended, waiting;
    std::vector<std::int16_t> what;
    std::vector<time_point> deadlines;
    for (const auto& [id, s] : last) {
        if (s.what == awaiting::nothing) {
            ended.push_back(id.value);
            continue;
        }
        waiting.push_back(id.value);
        what.push_back(static_cast<std::int16_t>(s.what));
        deadlines.push_back(s.deadline_at);
    }
    if (!waiting.empty()) pg::of(uow).send(save_steps, pg::params(waiting, what, deadlines));
    if (!ended.empty()) pg::of(uow).send(end_sagas, pg::params(ended));
    co_return;
}

task<std::vector<saga_step>> postgres_saga_store::find_overdue(storage::unit_of_work& uow, instant now, std::int64_t limit) {
    std::vector<saga_step> out;
    for (const auto r : co_await pg::of(uow).query(overdue, pg::params(now, limit)))
        out.push_back({r.get<order_id>(0), static_cast<awaiting>(r.get<std::int16_t>(1)), r.get<time_point>(2)});
    co_return out;
}

task<std::int64_t> postgres_saga_store::count_open(storage::unit_of_work& uow) {
    const auto rows = co_await pg::of(uow).query(open_sagas);
    co_return rows.front().get<std::int64_t>(0);
}

}  // namespace bv::order
