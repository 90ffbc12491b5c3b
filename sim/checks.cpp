#include "sim/checks.hpp"

#include <map>
#include <set>

#include <fmt/format.h>

#include "domains/commerce/order/app/project_orders.hpp"
#include "domains/commerce/order/app/stream_codec.hpp"
#include "sim/transitions.hpp"
#include "verify/order_book.hpp"

namespace bv::sim {
namespace {

using event_row = order::memory_orders::event_row;
using verify::order_book;

// Each stream with its fold, and as `bv verify` reads it.
struct stream {
    std::vector<const event_row*> rows;
    order::order fold;
    order_book book;
};
using streams = std::map<order::order_id, stream>;

// f(group, source, position, last event of the source).
template <class F>
void each_group(const stores& s, F f) {
    for (const auto& [source, groups] : s.schemas.groups) {
        std::int64_t last = 0;
        s.schemas.find(source)->outbox.each_committed([&last](std::int64_t position, const events::event&) { last = position; });
        for (const auto& [group, consumer] : groups) {
            const auto* at = s.schemas.find(consumer)->positions.committed({group, source});
            f(group, source, at ? at->position : 0, last);
        }
    }
}

class checker {
public:
    checker(const stores& s, outcome& o) : s_(s), out_(o) {}
    void run() {
        read_streams();
        for (auto& [id, st] : streams_) check_stream(id, st);
        check_sales();
        check_stock();
        check_ledger();
        check_provider();
        check_orders();
        check_log();
        check_tally();
        s_.orders.sagas.each_committed([this](const order::order_id& id, const order::saga_step&) { broken("orders.final", id.str(), "its saga still waits"); });
        if (s_.database.open_transactions() != 0) broken("nothing.left", "database", "a transaction is open");
    }

private:
    void broken(std::string_view invariant, std::string about, std::string what) {
        out_.violations.push_back({std::string(invariant), std::move(about), std::move(what)});
    }

    void read_streams() {
        s_.orders.events.each_committed([this](const std::pair<order::order_id, std::int64_t>& k, const event_row& r) {
            auto& st = streams_[k.first];
            if (k.second != std::ssize(st.rows) + 1) broken("streams.legal", k.first.str(), "has a gap");
            st.rows.push_back(&r);
        });
        out_.orders = std::ssize(streams_);
    }

    void check_stream(order::order_id id, stream& st) {
        std::vector<order::event> events;
        st.book.id = id.value;
        for (const auto* r : st.rows) {
            const auto e = order::decode(r->type, r->payload);
            ++out_.transitions[name_of(st.fold, e)];
            st.fold = order::evolve(std::move(st.fold), e, r->at);
            events.push_back(e);
            st.book.take(r->type, r->payload, r->customer.str());
            check_snapshot(id, st.fold);
        }
        const auto& o = st.fold;
        if (!order::is_legal_walk(events)) broken("streams.legal", id.str(), "is not what the state machine can produce");
        if (!order::is_final(o.status)) broken("orders.final", id.str(), fmt::format("is still {}", order::name(o.status)));
        if (o.awaits_release || o.awaits_void) broken("orders.final", id.str(), "still waits for a compensation");
        const auto* row = s_.orders.projections.committed(id);
        if (!row || row->summary.version != o.version || row->document != order::to_projection(o).document)
            broken("projections.fold", id.str(), "its read model is not the fold of its events");
    }
    void check_snapshot(order::order_id id, const order::order& o) {
        const auto* kept = s_.orders.snapshots.committed(id);
        if (kept && kept->version == o.version && !(order::decode_snapshot(kept->payload) == o))
            broken("streams.legal", id.str(), "its snapshot is not the fold of its events");
    }

    void check_sales() {
        std::map<std::pair<std::chrono::sys_days, currency>, order::sales> days;
        for (const auto& [id, st] : streams_) {
            const auto more = order::sales_of(st.fold);
            auto& day = days[{order::sales_day(st.fold), st.fold.currency}];
            day = {day.orders + more.orders, day.units + more.units, day.revenue + more.revenue, day.refunded + more.refunded};
        }
        s_.orders.days.each_committed([&](const auto& key, const order::sales& found) {
            if (found != days[key]) broken("projections.fold", "daily sales", "are not the sum of their orders");
        });
    }

    void check_stock() {
        std::map<std::string, inventory::stock_level> sums;
        s_.stock.receipts.each_committed([&](const auto&, const inventory::receipt& r) { sums[r.sku].received += r.quantity; });
        s_.stock.reservations.each_committed([&](const inventory::order_id& id, const inventory::reservation& r) {
            for (const auto& l : r.lines) {
                if (r.status == inventory::reservation_status::held) sums[l.sku].reserved += l.quantity;
                if (r.status == inventory::reservation_status::committed) sums[l.sku].sold += l.quantity - l.returned;
            }
            if (!streams_.contains({id.value})) broken("stock.matches_orders", id.str(), "is reserved for an order that there is not");
        });
        s_.stock.levels.each_committed([&](const std::string& sku, const inventory::memory_stock::level_row& l) {
            const auto& sum = sums[sku];
            if (l.level != sum || l.level.available() < 0)
                broken("stock.conserved", sku, fmt::format("received {}, reserved {}, sold {}, and by receipts and reservations {}, {}, {}", l.level.received,
                                                           l.level.reserved, l.level.sold, sum.received, sum.reserved, sum.sold));
        });
    }

    void check_ledger() {
        std::map<uuid, std::vector<std::int64_t>> postings;
        std::map<uuid, std::int64_t> with_provider;
        s_.payments.entries.each_committed([&](std::int64_t, const payment::ledger_entry& e) {
            postings[e.transaction].push_back(e.amount.minor);
            if (e.account == payment::account::provider_clearing) with_provider[e.payment.value] += e.amount.minor;
        });
        for (const auto& [id, all] : postings) {
            std::int64_t sum = 0;
            for (const auto amount : all) sum += amount;
            if (sum != 0 || all.size() < 2) broken("ledger.balanced", id.str(), fmt::format("{} postings sum to {}", all.size(), sum));
        }
        s_.payments.payments.each_committed([&](const payment::payment_id& id, const payment::stored_payment& p) {
            const auto net = p.value.captured - p.value.refunded;
            if (with_provider[id.value] != net) broken("payments.match_orders", id.str(), fmt::format("holds {}, and the ledger says {}", net, with_provider[id.value]));
        });
        s_.payments.findings.each_committed([this](const auto&, const payment::finding& f) {
            if (f.kind != "unresolved") broken("provider.agrees", f.key, f.kind + ": " + f.detail);
        });
    }

    void check_provider() {
        std::set<std::string> theirs;
        for (const auto* r : s_.provider.list(0, 1'000'000, s_.provider.last())) {
            theirs.insert(r->asked.key);
            const auto* op = s_.payments.operations.committed(r->asked.key);
            if (!op || op->b.state != payment::operation_state::done || op->b.succeeded != r->done ||
                (op->b.op.kind != payment::operation_kind::void_ && op->b.op.amount != r->asked.amount))
                broken("provider.agrees", r->asked.key, "is not in our books as the provider has it");
        }
        s_.payments.operations.each_committed([&](const std::string& key, const payment::memory_books::operation_row& o) {
            if (o.b.state != payment::operation_state::done) broken("orders.final", key, "is not done at the provider");
            else if (!theirs.contains(key)) broken("provider.agrees", key, "is done, and the provider does not know it");
        });
    }

    // At least once each: a node may end between handing it over and noting that down.
    void check_mail(notification::notice_id id) {
        const auto* row = s_.notices.deliveries.committed(id);
        if (!row || row->status != notification::delivery_status::sent) broken("notifications.once", id.str(), "is not noted as sent");
        if (!s_.arrived.contains(id)) broken("notifications.once", id.str(), "has not arrived");
        if (s_.mails.rows.committed(id.value)) broken("notifications.once", id.str(), "has arrived, and its job is still there");
    }

    // Order by order, by the laws of `bv verify`.
    void check_orders() {
        std::map<order::order_id, std::vector<verify::told_row>> told;
        s_.notices.notices.each_committed([&](const auto&, const notification::inbox_entry& n) {
            told[{n.told.order.value}].push_back({static_cast<int>(n.told.kind), n.told.return_id, n.told.customer.str()});
            check_mail(n.told.id);
        });
        std::map<uuid, std::pair<std::int64_t, std::int64_t>> captures;  // how many, and their sum
        s_.payments.operations.each_committed([&](const std::string&, const payment::memory_books::operation_row& o) {
            if (o.b.op.kind != payment::operation_kind::capture || !o.b.succeeded) return;
            auto& [count, sum] = captures[o.b.op.payment.value];
            ++count;
            sum += o.b.op.amount;
        });
        for (const auto& [id, st] : streams_) {
            if (!order::is_final(st.fold.status)) continue;
            const auto stock = reservation_of(id);
            const auto paid = payment_of(id, captures);
            take("stock.matches_orders", compare_stock(st.book, stock ? &*stock : nullptr));
            take("payments.match_orders", compare_payment(st.book, paid ? &*paid : nullptr));
            take("notifications.once", compare_told(st.book, told[id]));
            take("streams.legal", compare_customers(st.book));
        }
    }
    void take(std::string_view invariant, const std::vector<verify::violation>& found) {
        for (const auto& v : found) broken(invariant, v.id, fmt::format("expected {}, found {}", v.expected, v.found));
    }
    std::optional<verify::reservation_row> reservation_of(order::order_id id) const {
        const auto* r = s_.stock.reservations.committed({id.value});
        if (!r) return std::nullopt;
        verify::reservation_row out{static_cast<int>(r->status), {}};
        for (const auto& l : r->lines) out.lines[l.sku] = {l.quantity, l.returned};
        return out;
    }
    std::optional<verify::payment_row> payment_of(order::order_id id, const std::map<uuid, std::pair<std::int64_t, std::int64_t>>& captures) const {
        const auto key = payment::payment_of({id.value});
        const auto* p = s_.payments.payments.committed(key);
        if (!p) return std::nullopt;
        const auto c = captures.find(key.value);
        verify::payment_row out{key.str(), std::string(payment::name(p->value.status)), std::string(p->value.amount.currency.code()), p->value.captured, p->value.refunded};
        if (c != captures.end()) std::tie(out.captures, out.captured_by_operations) = c->second;
        return out;
    }

    // Every group has passed every event, and gave none of them up.
    void check_log() {
        each_group(s_, [this](const std::string& group, const std::string& source, std::int64_t at, std::int64_t last) {
            if (at < last) broken("events.once", group, fmt::format("is at {} of {} in {}", at, last, source));
        });
        for (const auto& [source, groups] : s_.schemas.groups) {
            for (const auto& [group, consumer] : groups) {
                s_.schemas.find(consumer)->letters.each_committed([&, g = group](const auto& key, const events::dead_letter& d) {
                    if (std::get<0>(key) == g && std::get<1>(key) == source) broken("events.once", g, "gave up " + d.event.type + ": " + d.error);
                });
            }
        }
    }

    // Applied as often as it was told, which no consumer's own keys make good.
    void check_tally() {
        const auto* source = s_.schemas.find("orders");
        if (!source) return;
        std::map<int, int> counts;  // of events, by how often they were applied
        source->outbox.each_committed([&](std::int64_t position, const events::event&) {
            const auto* times = s_.tally.applied.committed(position);
            ++counts[times ? *times : 0];
        });
        for (const auto& [times, n] : counts)
            if (times != 1) broken("events.once", "tally", fmt::format("{} events were applied {} times", n, times));
    }

    const stores& s_;
    outcome& out_;
    streams streams_;
};

}  // namespace

bool all_heard(const stores& s) {
    bool all = true;
    each_group(s, [&all](const std::string&, const std::string&, std::int64_t at, std::int64_t last) { all &= at >= last; });
    return all;
}

void check(const stores& s, outcome& out) { checker(s, out).run(); }

std::vector<std::string> stories(const stores& s, const outcome& o) {
    std::map<order::order_id, std::string> streams;
    s.orders.events.each_committed([&](const std::pair<order::order_id, std::int64_t>& k, const event_row& r) {
        auto& line = streams[k.first];
        line += (line.empty() ? "" : ", ") + r.type;
    });
    std::vector<std::string> out;
    for (const auto& [id, line] : streams) {
        const auto text = id.str();
        if (std::ranges::none_of(o.violations, [&](const violation& v) { return v.about.contains(text); })) continue;
        const auto* stock = s.stock.reservations.committed({id.value});
        const auto* paid = s.payments.payments.committed(payment::payment_of({id.value}));
        out.push_back(fmt::format("order {}: {}; its stock is {}, its payment {}", text, line, stock ? verify::reservation_status(static_cast<int>(stock->status)) : "not known",
                                  paid ? fmt::format("{}: captured {}, refunded {}", payment::name(paid->value.status), paid->value.captured, paid->value.refunded) : "not known"));
    }
    return out;
}

}  // namespace bv::sim
