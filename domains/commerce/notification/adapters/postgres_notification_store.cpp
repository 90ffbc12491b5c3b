#include "domains/commerce/notification/adapters/postgres_notification_store.hpp"

namespace bv::notification {

namespace {

constexpr pg::statement add_notices_sql{"notification.add_notices", R"(
    INSERT INTO notification.notifications (id, customer_id, order_id, kind, return_id, subject, text, created_at)
    SELECT id, customer_id, order_id, kind, return_id, subject, text, created_at
      FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::smallint[], $5::text[], $6::text[], $7::text[], $8::timestamptz[])
           AS n(id, customer_id, order_id, kind, return_id, subject, text, created_at)
     ORDER BY id
        ON CONFLICT DO NOTHING)"};

constexpr pg::statement queue_deliveries_sql{"notification.queue_deliveries", R"(
    INSERT INTO notification.deliveries (notification_id, created_at, updated_at)
    SELECT id, created_at, $3
      FROM unnest($1::uuid[], $2::timestamptz[]) AS n(id, created_at)
     ORDER BY id
        ON CONFLICT DO NOTHING
    RETURNING notification_id)"};

// Deliveries that are neither sent nor without an address; one that was given up is here because a person asked for it again.
// NOT IN, which no index serves: for IN (queued, failed) PostgreSQL walks over deliveries_newest, where every delivery was queued once.
constexpr pg::statement find_unsent_sql{"notification.find_unsent", R"(
    SELECT d.notification_id, n.customer_id, n.subject, n.text, n.created_at
      FROM notification.deliveries d
      JOIN notification.notifications n ON n.id = d.notification_id
     WHERE d.notification_id = ANY($1::uuid[]) AND d.status NOT IN (2, 4)
     ORDER BY n.created_at, n.id)"};

constexpr pg::statement note_sql{"notification.note", R"(
    UPDATE notification.deliveries d
       SET status = a.status, attempts = a.attempt, last_error = a.last_error, updated_at = $5
      FROM unnest($1::uuid[], $2::integer[], $3::smallint[], $4::text[]) AS a(notification_id, attempt, status, last_error)
     WHERE d.notification_id = a.notification_id AND d.status NOT IN (2, 4))"};

constexpr pg::statement list_inbox_sql{"notification.list_inbox", R"(
    SELECT id, customer_id, order_id, kind, return_id, subject, text, created_at, read_at
      FROM notification.notifications
     WHERE customer_id = $1
       AND (NOT $2 OR read_at IS NULL)
       AND (created_at, id) < (coalesce($3, 'infinity'::timestamptz), $4)
     ORDER BY created_at DESC, id DESC
     LIMIT $5)"};

constexpr pg::statement mark_read_sql{"notification.mark_read", R"(
    UPDATE notification.notifications
       SET read_at = $2
     WHERE id = $1 AND read_at IS NULL
    RETURNING id, customer_id, order_id, kind, return_id, subject, text, created_at, read_at)"};

constexpr pg::statement find_notice_sql{"notification.find", R"(
    SELECT id, customer_id, order_id, kind, return_id, subject, text, created_at, read_at
      FROM notification.notifications
     WHERE id = $1)"};

// One walk of the index for each status, so that a rare one needs no long search.
constexpr pg::statement list_deliveries_sql{"notification.list_deliveries", R"(
    SELECT d.notification_id, d.status, d.attempts, d.last_error, d.created_at, d.updated_at
      FROM unnest($1::smallint[]) AS s(status)
     CROSS JOIN LATERAL (
           SELECT *
             FROM notification.deliveries x
            WHERE x.status = s.status
              AND (x.created_at, x.notification_id) < (coalesce($2, 'infinity'::timestamptz), $3)
            ORDER BY x.created_at DESC, x.notification_id DESC
            LIMIT $4) AS d
     ORDER BY d.created_at DESC, d.notification_id DESC
     LIMIT $4)"};

inbox_entry entry_of(pg::row row) {
    return {{row.get<notice_id>(0), row.get<customer_id>(1), row.get<order_id>(2), static_cast<notice_kind>(row.get<std::int16_t>(3)),
             row.get<std::string>(4), row.get<std::string>(5), row.get<std::string>(6), row.get<time_point>(7)},
            row.get<std::optional<time_point>>(8)};
}

delivery delivery_of(pg::row row) {
    return {row.get<notice_id>(0), static_cast<delivery_status>(row.get<std::int16_t>(1)), row.get<std::int32_t>(2),
            row.get<std::string>(3), row.get<time_point>(4), row.get<time_point>(5)};
}

template <class T, class F>
std::vector<T> all(const pg::rows& rows, F read) {
    std::vector<T> out;
    out.reserve(static_cast<std::size_t>(rows.size()));
    for (const auto row : rows) out.push_back(read(row));
    return out;
}

std::optional<time_point> time_of(const std::optional<list_position>& p) { return p ? std::optional(p->at) : std::nullopt; }
uuid id_of(const std::optional<list_position>& p) { return p ? p->id : uuid{}; }

}  // namespace

task<std::vector<notice_id>> postgres_notification_store::add(storage::unit_of_work& uow, std::vector<notice> notices, time_point now) {
    std::vector<notice_id> ids;
    std::vector<customer_id> customers;
    std::vector<order_id> orders;
    std::vector<std::int16_t> kinds;
    std::vector<std::string> return_ids, subjects, texts;
    std::vector<time_point> created_at;
    for (auto& n : notices) {
        ids.push_back(n.id);
        customers.push_back(n.customer);
        orders.push_back(n.order);
        kinds.push_back(static_cast<std::int16_t>(n.kind));
        return_ids.push_back(std::move(n.return_id));
        subjects.push_back(std::move(n.subject));
        texts.push_back(std::move(n.text));
        created_at.push_back(n.created_at);
    }
    auto& tx = pg::of(uow);
    tx.send(add_notices_sql, pg::params(ids, customers, orders, kinds, return_ids, subjects, texts, created_at));
    const auto added = co_await tx.query(queue_deliveries_sql, pg::params(ids, created_at, now));
    co_return all<notice_id>(added, [](pg::row row) { return row.get<notice_id>(0); });
}

task<std::vector<unsent_delivery>> postgres_notification_store::find_unsent(storage::identity who, std::vector<notice_id> notices) {
    const auto rows = co_await db_.query_as(std::move(who), find_unsent_sql, pg::params(notices));
    co_return all<unsent_delivery>(rows, [](pg::row row) {
        return unsent_delivery{row.get<notice_id>(0), row.get<customer_id>(1), row.get<std::string>(2), row.get<std::string>(3), row.get<time_point>(4)};
    });
}

task<void> postgres_notification_store::note(storage::unit_of_work& uow, std::vector<attempted_delivery> attempts, time_point now) {
    std::vector<notice_id> ids;
    std::vector<std::int32_t> numbers;
    std::vector<std::int16_t> status;
    std::vector<std::string> errors;
    for (auto& a : attempts) {
        ids.push_back(a.notice);
        numbers.push_back(a.attempt);
        status.push_back(static_cast<std::int16_t>(a.status));
        errors.push_back(std::move(a.last_error));
    }
    pg::of(uow).send(note_sql, pg::params(ids, numbers, status, errors, now));
    co_return;
}

task<std::vector<inbox_entry>> postgres_notification_store::list_inbox(storage::identity who, customer_id customer, bool unread_only,
                                                                       std::optional<list_position> after, int limit) {
    const auto rows = co_await db_.query_as(std::move(who), list_inbox_sql,
                                            pg::params(customer, unread_only, time_of(after), id_of(after), static_cast<std::int64_t>(limit)));
    co_return all<inbox_entry>(rows, entry_of);
}

task<std::optional<inbox_entry>> postgres_notification_store::mark_read(storage::identity who, notice_id id, time_point now) {
    auto rows = co_await db_.query_as(who, mark_read_sql, pg::params(id, now));
    if (rows.empty()) rows = co_await db_.query_as(who, find_notice_sql, pg::params(id));
    if (rows.empty()) co_return std::nullopt;
    co_return entry_of(rows.front());
}

task<std::vector<delivery>> postgres_notification_store::list_deliveries(storage::identity who, std::optional<delivery_status> status,
                                                                         std::optional<list_position> after, int limit) {
    std::vector<std::int16_t> wanted{1, 2, 3, 4};
    if (status) wanted = {static_cast<std::int16_t>(*status)};
    const auto rows = co_await db_.query_as(std::move(who), list_deliveries_sql,
                                            pg::params(wanted, time_of(after), id_of(after), static_cast<std::int64_t>(limit)));
    co_return all<delivery>(rows, delivery_of);
}

}  // namespace bv::notification
