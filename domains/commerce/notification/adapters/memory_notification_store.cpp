#include "domains/commerce/notification/adapters/memory_notification_store.hpp"

#include <algorithm>
#include <utility>

namespace bv::notification {
namespace {

using delivery_row = memory_notices::delivery_row;

storage::transaction_options as(storage::identity who) {
    storage::transaction_options o;
    o.identity = std::move(who);
    return o;
}

bool is_due(const delivery_row& d, time_point now) { return d.what.status == delivery_status::queued && d.next_at <= now; }

bool is_after(const std::optional<list_position>& p, time_point at, const uuid& id) { return !p || std::pair(at, id) < std::pair(p->at, p->id); }

}  // namespace

task<void> memory_notification_store::add(storage::unit_of_work& uow, std::vector<notice> notices, time_point now) {
    auto& tx = memory::of(uow);
    co_await tx.statement();
    std::ranges::sort(notices, {}, &notice::id);
    for (const auto& n : notices) co_await tables_.notices.insert(tx, n.id, {n, std::nullopt});
    for (const auto& n : notices)
        co_await tables_.deliveries.insert(tx, n.id, {{n.id, delivery_status::queued, 0, {}, n.created_at, now}, now});
}

task<std::vector<due_delivery>> memory_notification_store::find_due_in(storage::unit_of_work& uow, time_point now, int limit) {
    auto& tx = memory::of(uow);
    co_await tx.statement();
    std::vector<std::pair<time_point, notice_id>> due;
    if (tx.sees_all())
        tables_.deliveries.scan(tx, [&](const notice_id& id, const delivery_row& d) {
            if (is_due(d, now)) due.emplace_back(d.next_at, id);
        });
    std::ranges::sort(due);
    std::vector<due_delivery> out;
    for (const auto& [_, id] : due)
        if (std::ssize(out) < limit) out.push_back({id, tables_.notices.find(tx, id)->told.customer});
    co_return out;
}

task<void> memory_notification_store::mark_in(storage::unit_of_work& uow, std::vector<notice_id> notices, time_point now) {
    auto& tx = memory::of(uow);
    co_await tx.statement();
    std::ranges::sort(notices);
    for (const auto id : notices) {
        const auto* found = tables_.deliveries.try_lock(tx, id);
        if (!found || !is_due(*found, now)) continue;
        auto d = *found;
        d.what.status = delivery_status::no_address;
        d.what.updated_at = now;
        tables_.deliveries.put(tx, id, std::move(d));
    }
}

task<std::vector<claimed_delivery>> memory_notification_store::claim_in(storage::unit_of_work& uow, std::vector<notice_id> notices, time_point now,
                                                                        time_point lease_until) {
    auto& tx = memory::of(uow);
    co_await tx.statement();
    std::ranges::sort(notices);
    std::vector<claimed_delivery> out;
    for (const auto id : notices) {
        const auto* found = tables_.deliveries.try_lock(tx, id);
        if (!found || !is_due(*found, now)) continue;
        auto d = *found;
        ++d.what.attempts;
        d.what.updated_at = now;
        d.next_at = lease_until;
        const auto& n = tables_.notices.find(tx, id)->told;
        out.push_back({id, d.what.attempts, n.customer, n.subject, n.text, n.created_at});
        tables_.deliveries.put(tx, id, std::move(d));
    }
    std::ranges::sort(out, {}, [](const claimed_delivery& c) { return std::pair(c.created_at, c.notice); });
    co_return out;
}

task<void> memory_notification_store::finish_in(storage::unit_of_work& uow, std::vector<attempted_delivery> attempts, time_point now) {
    auto& tx = memory::of(uow);
    co_await tx.statement();
    std::ranges::sort(attempts, {}, &attempted_delivery::notice);
    for (auto& a : attempts) {
        const auto* found = co_await tables_.deliveries.lock(tx, a.notice);
        if (!found || found->what.attempts != a.attempt || found->what.status != delivery_status::queued) continue;
        auto d = *found;
        d.what.status = a.status;
        d.what.last_error = std::move(a.last_error);
        d.what.updated_at = now;
        d.next_at = a.next_at;
        tables_.deliveries.put(tx, a.notice, std::move(d));
    }
}

task<std::vector<inbox_entry>> memory_notification_store::list_inbox_in(storage::unit_of_work& uow, customer_id customer, bool unread_only,
                                                                        std::optional<list_position> after, int limit) {
    auto& tx = memory::of(uow);
    co_await tx.statement();
    std::vector<inbox_entry> out;
    tables_.notices.scan(tx, [&](const notice_id& id, const inbox_entry& e) {
        if (e.told.customer != customer || !tx.sees(customer.value) || (unread_only && e.read_at)) return;
        if (is_after(after, e.told.created_at, id.value)) out.push_back(e);
    });
    std::ranges::sort(out, std::greater<>(), [](const inbox_entry& e) { return std::pair(e.told.created_at, e.told.id); });
    if (std::ssize(out) > limit) out.resize(static_cast<std::size_t>(limit));
    co_return out;
}

task<std::optional<inbox_entry>> memory_notification_store::mark_read_in(storage::unit_of_work& uow, notice_id id, time_point now) {
    auto& tx = memory::of(uow);
    co_await tx.statement();
    const auto* found = co_await tables_.notices.lock(tx, id);
    if (!found || !tx.sees(found->told.customer.value)) co_return std::nullopt;
    auto e = *found;
    if (e.read_at) co_return e;
    e.read_at = now;
    tables_.notices.put(tx, id, e);
    co_return e;
}

task<std::vector<delivery>> memory_notification_store::list_deliveries_in(storage::unit_of_work& uow, std::optional<delivery_status> status,
                                                                          std::optional<list_position> after, int limit) {
    auto& tx = memory::of(uow);
    co_await tx.statement();
    std::vector<delivery> out;
    if (tx.sees_all())
        tables_.deliveries.scan(tx, [&](const notice_id& id, const delivery_row& d) {
            if ((!status || d.what.status == *status) && is_after(after, d.what.created_at, id.value)) out.push_back(d.what);
        });
    std::ranges::sort(out, std::greater<>(), [](const delivery& d) { return std::pair(d.created_at, d.notice); });
    if (std::ssize(out) > limit) out.resize(static_cast<std::size_t>(limit));
    co_return out;
}

task<std::vector<due_delivery>> memory_notification_store::find_due(storage::identity who, time_point now, int limit) {
    co_return co_await db_.transact(as(std::move(who)), [&](storage::unit_of_work& uow) { return find_due_in(uow, now, limit); });
}
task<void> memory_notification_store::mark_without_address(storage::identity who, std::vector<notice_id> notices, time_point now) {
    co_await db_.run(as(std::move(who)), [&](storage::unit_of_work& uow) { return mark_in(uow, notices, now); });
}
task<std::vector<claimed_delivery>> memory_notification_store::claim(storage::identity who, std::vector<notice_id> notices, time_point now,
                                                                     time_point lease_until) {
    co_return co_await db_.transact(as(std::move(who)), [&](storage::unit_of_work& uow) { return claim_in(uow, notices, now, lease_until); });
}
task<void> memory_notification_store::finish(storage::identity who, std::vector<attempted_delivery> attempts, time_point now) {
    co_await db_.run(as(std::move(who)), [&](storage::unit_of_work& uow) { return finish_in(uow, attempts, now); });
}
task<std::vector<inbox_entry>> memory_notification_store::list_inbox(storage::identity who, customer_id customer, bool unread_only,
                                                                     std::optional<list_position> after, int limit) {
    co_return co_await db_.transact(as(std::move(who)), [&](storage::unit_of_work& uow) { return list_inbox_in(uow, customer, unread_only, after, limit); });
}
task<std::optional<inbox_entry>> memory_notification_store::mark_read(storage::identity who, notice_id id, time_point now) {
    co_return co_await db_.transact(as(std::move(who)), [&](storage::unit_of_work& uow) { return mark_read_in(uow, id, now); });
}
task<std::vector<delivery>> memory_notification_store::list_deliveries(storage::identity who, std::optional<delivery_status> status,
                                                                       std::optional<list_position> after, int limit) {
    co_return co_await db_.transact(as(std::move(who)), [&](storage::unit_of_work& uow) { return list_deliveries_in(uow, status, after, limit); });
}

}  // namespace bv::notification
