#include "domains/commerce/order/adapters/memory_stores.hpp"

#include <algorithm>

#include "domains/commerce/order/adapters/memory_database.hpp"
#include "domains/commerce/order/app/errors.hpp"
#include "domains/commerce/order/app/project_orders.hpp"
#include "domains/commerce/order/app/stream_codec.hpp"

namespace bv::order {

std::int64_t memory_event_store::head(order_id id) const {
    const auto it = streams_.find(id);
    return it == streams_.end() ? 0 : std::ssize(it->second.events);
}

bool memory_event_store::visible(const storage::unit_of_work& uow, order_id id) const {
    const auto it = streams_.find(id);
    return it != streams_.end() && static_cast<const memory_unit_of_work&>(uow).sees(it->second.customer.value);
}

// Everything here is optimistic: conflicts show at commit.
task<void> memory_event_store::lock(storage::unit_of_work&, std::vector<order_id>) { co_return; }

task<std::vector<order>> memory_event_store::load(storage::unit_of_work& uow, std::vector<order_id> ids) {
    std::vector<order> out;
    std::ranges::sort(ids);
    ids.erase(std::ranges::unique(ids).begin(), ids.end());
    for (const auto& id : ids) {
        const auto it = streams_.find(id);
        if (it == streams_.end() || !memory_of(uow).sees(it->second.customer.value)) continue;
        const auto snapshot = snapshots_.find(id);
        order o = snapshot == snapshots_.end() ? order{} : decode_snapshot(snapshot->second);
        for (const auto& e : it->second.events) {
            if (e.version > o.version) o = evolve(std::move(o), e.what, e.at);
        }
        out.push_back(std::move(o));
    }
    co_return out;
}

task<void> memory_event_store::append(storage::unit_of_work& uow, std::vector<append_entry> entries) {
    // Several entries of one stream follow each other: only the first meets what is stored.
    std::map<order_id, std::int64_t> expected;
    for (const auto& e : entries) expected.try_emplace(e.id, e.expected_version);
    const auto verify = [this, expected] {
        for (const auto& [id, version] : expected) {
            if (head(id) != version) throw order_changed();
        }
    };
    verify();
    memory_of(uow).check(verify);
    memory_of(uow).effect([this, entries = std::move(entries)] {
        for (const auto& e : entries) {
            auto& s = streams_[e.id];
            s.customer = e.customer;
            // Through the codec, as a real store would.
            for (const auto& what : e.events)
                s.events.push_back({std::ssize(s.events) + 1, decode(type_name(what), encode(what)), e.at, e.actor, e.traceparent});
            if (e.snapshot) snapshots_[e.id] = encode_snapshot(*e.snapshot);
        }
    });
    co_return;
}

task<std::vector<stored_event>> memory_event_store::read(storage::unit_of_work& uow, order_id id, std::int64_t after, std::int64_t limit) {
    std::vector<stored_event> out;
    const auto it = streams_.find(id);
    if (it == streams_.end() || !memory_of(uow).sees(it->second.customer.value)) co_return out;
    for (const auto& e : it->second.events) {
        if (e.version > after && std::ssize(out) < limit) out.push_back(e);
    }
    co_return out;
}

task<std::vector<event_stream>> memory_event_store::scan(storage::unit_of_work& uow, order_id after, std::int64_t limit) {
    std::vector<event_stream> out;
    for (auto it = streams_.upper_bound(after); it != streams_.end() && std::ssize(out) < limit; ++it) {
        if (memory_of(uow).sees(it->second.customer.value)) out.push_back({it->first, it->second.events});
    }
    co_return out;
}

task<void> memory_event_store::claim(storage::unit_of_work& uow, std::vector<external_reference> references) {
    const auto verify = [this, references] {
        for (const auto& r : references) {
            if (references_.contains({r.customer, r.text})) throw order_changed();
        }
    };
    verify();
    memory_of(uow).check(verify);
    memory_of(uow).effect([this, references] {
        for (const auto& r : references) references_.emplace(std::pair{r.customer, r.text}, r.id);
    });
    co_return;
}

task<std::vector<external_reference>> memory_event_store::find_claimed(storage::unit_of_work& uow, std::vector<external_reference> wanted) {
    std::vector<external_reference> out;
    for (const auto& w : wanted) {
        const auto it = references_.find({w.customer, w.text});
        if (it != references_.end() && memory_of(uow).sees(w.customer.value)) out.push_back({w.customer, w.text, it->second});
    }
    co_return out;
}

task<std::vector<order_id>> memory_event_store::find_by_reference(storage::unit_of_work& uow, std::optional<customer_id> customer, std::string text) {
    std::vector<order_id> out;
    for (const auto& [key, id] : references_) {
        const bool wanted = key.second == text && (!customer || key.first == *customer);
        if (wanted && memory_of(uow).sees(key.first.value)) out.push_back(id);
    }
    co_return out;
}

task<void> memory_saga_store::save(storage::unit_of_work& uow, std::vector<saga_step> steps) {
    memory_of(uow).effect([this, steps = std::move(steps)] {
        for (const auto& s : steps) {
            if (s.what == awaiting::nothing)
                steps_.erase(s.id);
            else
                steps_[s.id] = s;
        }
    });
    co_return;
}

task<std::vector<saga_step>> memory_saga_store::find_overdue(storage::unit_of_work&, instant now, std::int64_t limit) {
    std::vector<saga_step> out;
    for (const auto& [id, s] : steps_) {
        if (s.deadline_at <= now) out.push_back(s);
    }
    std::ranges::sort(out, {}, [](const saga_step& s) { return std::pair(s.deadline_at, s.id); });
    if (std::ssize(out) > limit) out.resize(static_cast<std::size_t>(limit));
    co_return out;
}

task<std::int64_t> memory_saga_store::count_open(storage::unit_of_work&) { co_return std::ssize(steps_); }

// Commits are one at a time here.
task<void> memory_projection_store::lock(storage::unit_of_work&) { co_return; }

void memory_projection_store::store(const projected_order& p) {
    const auto move = [this](const projected_order& of, std::int64_t sign) {
        auto& day = days_[{sales_day(of.summary), of.summary.currency}];
        day.orders += sign * of.what.orders;
        day.units += sign * of.what.units;
        day.revenue += sign * of.what.revenue;
        day.refunded += sign * of.what.refunded;
    };
    const auto it = rows_.find(p.summary.id);
    if (it != rows_.end()) {
        if (it->second.summary.version >= p.summary.version) return;
        move(it->second, -1);
    }
    move(p, 1);
    rows_[p.summary.id] = p;
}

task<void> memory_projection_store::project(storage::unit_of_work& uow, std::vector<projected_order> rows) {
    memory_of(uow).effect([this, rows = std::move(rows)] {
        for (const auto& r : rows) store(r);
    });
    co_return;
}

task<void> memory_projection_store::clear(storage::unit_of_work& uow) {
    memory_of(uow).effect([this] {
        rows_.clear();
        days_.clear();
    });
    co_return;
}

task<current_document> memory_projection_store::current(storage::unit_of_work& uow, order_id id) {
    current_document out;
    if (!streams_.visible(uow, id)) co_return out;
    out.head = streams_.head(id);
    const auto it = rows_.find(id);
    if (it != rows_.end() && it->second.summary.version == out.head) out.document = it->second.document;
    co_return out;
}

task<std::vector<order>> memory_projection_store::list(storage::unit_of_work& uow, order_filter f) {
    std::vector<order> out;
    for (const auto& [id, row] : rows_) {
        const auto& o = row.summary;
        if (!memory_of(uow).sees(o.customer.value) || (f.customer && o.customer != *f.customer) || (f.status && o.status != *f.status)) continue;
        if (f.after && std::tie(o.ordered_at, o.id) >= std::tie(f.after->ordered_at, f.after->id)) continue;
        out.push_back(o);
    }
    std::ranges::sort(out, [](const order& a, const order& b) { return std::tie(a.ordered_at, a.id) > std::tie(b.ordered_at, b.id); });
    if (std::ssize(out) > f.limit) out.resize(static_cast<std::size_t>(f.limit));
    co_return out;
}

task<std::vector<day_of_sales>> memory_projection_store::list_sales(storage::unit_of_work& uow, sales_filter f) {
    std::vector<day_of_sales> out;
    if (!memory_of(uow).who().all_customers) co_return out;
    for (const auto& [key, what] : days_) {
        if (what == sales{} || std::ssize(out) >= f.limit) continue;
        if ((f.from && key.first < *f.from) || (f.to && key.first > *f.to)) continue;
        if (f.after && key <= std::pair{f.after->day, f.after->currency}) continue;
        out.push_back({key.first, key.second, what});
    }
    co_return out;
}

task<std::vector<projected_order>> memory_projection_store::scan(storage::unit_of_work& uow, order_id after, std::int64_t limit) {
    std::vector<projected_order> out;
    for (auto it = rows_.upper_bound(after); it != rows_.end() && std::ssize(out) < limit; ++it) {
        if (memory_of(uow).sees(it->second.summary.customer.value)) out.push_back(it->second);
    }
    co_return out;
}

}  // namespace bv::order
