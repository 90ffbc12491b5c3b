#include "domains/commerce/notification/adapters/memory_notification_store.hpp"

#include <algorithm>
#include <utility>

namespace bv::notification {
namespace {

storage::transaction_options as(storage::identity who) {
    storage::transaction_options o;
    o.identity = std::move(who);
    return o;
}

bool is_unsent(const delivery& d) { return d.status == delivery_status::queued || d.status == delivery_status::failed; }

bool is_after(const std::optional<list_position>& p, time_point at, const uuid& id) { return !p || std::pair(at, id) < std::pair(p->at, p->id); }

}  // namespace

task<std::vector<notice_id>> memory_notification_store::add(storage::unit_of_work& uow, std::vector<notice> notices, time_point now) {
    auto& tx = memory::of(uow);
    co_await tx.statement();
    std::ranges::sort(notices, {}, &notice::id);
    for (const auto& n : notices) co_await tables_.notices.insert(tx, n.id, {n, std::nullopt});
    std::vector<notice_id> added;
    for (const auto& n : notices)
        if (co_await tables_.deliveries.insert(tx, n.id, {n.id, delivery_status::queued, 0, {}, n.created_at, now})) added.push_back(n.id);
    co_return added;
}

task<std::vector<unsent_delivery>> memory_notification_store::find_unsent_in(storage::unit_of_work& uow, std::vector<notice_id> notices) {
    auto& tx = memory::of(uow);
    co_await tx.statement();
    std::vector<unsent_delivery> out;
    for (const auto id : notices) {
        const auto* d = tx.sees_all() ? tables_.deliveries.find(tx, id) : nullptr;
        if (!d || !is_unsent(*d)) continue;
        const auto& n = tables_.notices.find(tx, id)->told;
        out.push_back({id, n.customer, n.subject, n.text, n.created_at});
    }
    std::ranges::sort(out, {}, [](const unsent_delivery& u) { return std::pair(u.created_at, u.notice); });
    co_return out;
}

task<void> memory_notification_store::note(storage::unit_of_work& uow, std::vector<attempted_delivery> attempts, time_point now) {
    auto& tx = memory::of(uow);
    co_await tx.statement();
    std::ranges::sort(attempts, {}, &attempted_delivery::notice);
    for (auto& a : attempts) {
        const auto* found = co_await tables_.deliveries.lock(tx, a.notice);
        if (!found || !is_unsent(*found)) continue;
        auto d = *found;
        d.status = a.status;
        d.attempts = a.attempt;
        d.last_error = std::move(a.last_error);
        d.updated_at = now;
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
        tables_.deliveries.scan(tx, [&](const notice_id& id, const delivery& d) {
            if ((!status || d.status == *status) && is_after(after, d.created_at, id.value)) out.push_back(d);
        });
    std::ranges::sort(out, std::greater<>(), [](const delivery& d) { return std::pair(d.created_at, d.notice); });
    if (std::ssize(out) > limit) out.resize(static_cast<std::size_t>(limit));
    co_return out;
}

task<std::vector<unsent_delivery>> memory_notification_store::find_unsent(storage::identity who, std::vector<notice_id> notices) {
    co_return co_await db_.transact(as(std::move(who)), [&](storage::unit_of_work& uow) { return find_unsent_in(uow, notices); });
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
