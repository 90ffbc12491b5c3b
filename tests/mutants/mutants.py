"""Mutations of the real code, each a bug that somebody could write. Simulation has to catch every one that it can see: it runs no
adapter of PostgreSQL, Kafka, Redis or the network, and where two guards stand one behind the other it needs both to fall. Those have a
`test`, which has to fail: a program of tests (CMake target) and which of them, as --gtest_filter takes it.

`find` stands in the file exactly once; `catches` names the invariants of which at least one must be seen broken, and is
empty where any will do. `plans` are kept plans (sim/regressions) that have to catch it as well. `real` names the test that catches the same mistake where only a memory adapter is mutated.
"""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Mutant:
    name: str
    file: str
    find: str
    replace: str
    catches: tuple[str, ...] = ()
    real: str = ""
    plans: tuple[str, ...] = ()
    test: tuple[str, str] = ()


EVENTS = "platform/events/"
JOBS = "platform/jobs/"
STORAGE = "platform/storage/"
POSTGRES = STORAGE + "postgres/"
REDIS = STORAGE + "redis/"
PEER = "platform/rpc/peer/"
ORDER = "domains/commerce/order/"
STOCK = "domains/commerce/inventory/"
PAYMENT = "domains/commerce/payment/"
NOTICE = "domains/commerce/notification/"

MUTANTS = (
    # The event log
    Mutant("position-not-advanced-with-the-effect", EVENTS + "consumer_loop.cpp",
           "    parked_ = 0;\n    co_await store_->advance(uow, at(), to);\n", "    parked_ = 0;\n", ("stock.conserved", "stock.matches_orders", "events.once")),
    Mutant("position-check-dropped", EVENTS + "memory_log_storage.cpp",
           "if (!at || at->position != from.position || at->fence != from.fence) throw", "if (!at) throw", (), "log_contract.hpp over PostgreSQL (pg_log_world_test.cpp): two instances of a group"),
    Mutant("position-advanced-before-the-effect-commits", EVENTS + "consumer_loop.cpp",
           "    const auto n = std::min(limit_, buffer_.size());\n    const auto to = n == buffer_.size() ? buffered_to_ : buffer_[n - 1].mark;\n",
           "    const auto n = std::min(limit_, buffer_.size());\n    const auto to = n == buffer_.size() ? buffered_to_ : buffer_[n - 1].mark;\n"
           "    co_await sub_.store->run(options({}), [this, to](storage::unit_of_work& uow) { return advance_in(uow, to); });\n    position_ = to;\n",
           ()),
    Mutant("read-by-id-instead-of-commit-order", EVENTS + "horizon.cpp",
           "    return safe_;\n", "    return head;\n", ("orders.final", "events.once", "projections.fold")),
    Mutant("horizon-reads-the-head-after-the-snapshot", EVENTS + "memory_outbox_reader.cpp",
           "    co_await tx.statement();\n    out.snapshot_xmin = database_.oldest_running();\n    out.next_xid = database_.next_id();\n",
           "    out.snapshot_xmin = database_.oldest_running();\n    out.next_xid = database_.next_id();\n    co_await tx.statement();\n"
           "    for (std::size_t i = 0; i < sources.size(); ++i) out.heads[i] = schemas_.of(sources[i]).drawn;\n",
           (), "commit_order_test.cpp, over PostgreSQL"),
    # The stored position refuses the batch that would follow, and all is read again: the simulation, whose handlers fail for a moment only,
    # sees nothing but time lost. An event that fails for ever is never given up.
    Mutant("acknowledge-on-failure", EVENTS + "consumer_loop.cpp",
           "    if (broken) {\n        span.fail(broken->reason);\n        span.end();\n        throw failure(*broken);\n    }\n",
           "    if (broken) span.fail(broken->reason);\n", test=("bv_events_test", "*log_contract.sets_a_poison*")),
    Mutant("event-skipped-after-a-conflict", EVENTS + "consumer_loop.cpp",
           "    } else if (batch_.empty() || is_transient(why.code)) {", "    } else if (batch_.empty() || why.code == code::unavailable || why.code == code::deadline_exceeded) {\n"
           "        if (!batch_.empty()) buffer_.erase(buffer_.begin());", ()),
    Mutant("outbox-written-outside-the-transaction", ORDER + "app/record.cpp",
           "    co_await env.outbox.append(uow, std::move(messages));\n",
           "    co_await env.db.run({.identity = storage::system_identity(\"service:orders\")}, [&](storage::unit_of_work& own) { return env.outbox.append(own, messages); });\n", ()),

    # Orders
    Mutant("idempotency-key-ignored", ORDER + "app/prepare_order.cpp",
           "    if (ctx.idempotency_key.empty()) return order_id::v7(env.clock, env.rng);\n    return {", "    return order_id::v7(env.clock, env.rng);\n    return {", ("orders.once", "stock.matches_orders")),
    Mutant("same-key-with-another-body-accepted", ORDER + "app/place_orders.cpp",
           "    if (same_content(o, e)) return o;\n", "    return o;\n", ("orders.once",)),
    Mutant("total-without-the-last-line", ORDER + "model/decide_commands.cpp",
           "        out.total = total->minor;\n", "        if (i + 1 < lines.size() || i == 0) out.total = total->minor;\n", ()),
    Mutant("price-by-another-line", ORDER + "app/prepare_order.cpp",
           "l.quantity(), *it->second->unit_price, 0});", "l.quantity(), *offers.front().unit_price, 0});", ("orders.priced",)),
    Mutant("time-out-not-armed", ORDER + "app/record.cpp",
           "        if (now != awaited(c.before)) steps", "        if (c.before.exists() && now != awaited(c.before)) steps", ()),
    Mutant("time-out-releases-no-stock", ORDER + "model/decide_commands.cpp",
           "    decision d{{cancelled}, {cancelled, stock_release_requested{}}};\n", "    decision d{{cancelled}, {cancelled}};\n", ("orders.final", "stock.matches_orders")),
    Mutant("cancel-voids-no-payment", ORDER + "model/decide_commands.cpp",
           "    if (o.status != status::placed) d.messages.emplace_back(void_requested{});\n    return d;\n}\n\n}  // namespace", "    return d;\n}\n\n}  // namespace",
           ("orders.final", "payments.match_orders")),
    Mutant("decline-releases-no-stock", ORDER + "model/decide_replies.cpp",
           "        const order_cancelled e{cancel_reason::payment_declined, r.why};\n        return {{e}, {e, stock_release_requested{}}};",
           "        const order_cancelled e{cancel_reason::payment_declined, r.why};\n        return {{e}, {e}};", ("orders.final", "stock.matches_orders")),
    Mutant("capture-failure-releases-no-stock", ORDER + "model/decide_replies.cpp",
           "        const order_cancelled e{cancel_reason::capture_failed, r.why};\n        return {{e}, {e, stock_release_requested{}}};",
           "        const order_cancelled e{cancel_reason::capture_failed, r.why};\n        return {{e}, {e}};", ("orders.final", "stock.matches_orders")),
    Mutant("cancel-of-a-confirmed-order-refunds-nothing", ORDER + "model/decide_commands.cpp",
           "{cancelled, stock_release_requested{}, refund_requested{cancel_refund_id(o.id), o.captured - o.refunded}}}", "{cancelled, stock_release_requested{}}}", ("payments.match_orders",)),
    Mutant("cancel-allowed-after-returns", ORDER + "model/decide_commands.cpp",
           "    if (!o.returns.empty()) return refuse(order_errc::has_returns);\n", "", ("streams.legal", "payments.match_orders")),
    Mutant("confirmation-told-before-the-capture", ORDER + "model/decide_replies.cpp",
           "        if (o.status != status::reserved) return {};\n        return {{payment_authorised{r.payment_id}}, {capture_requested{r.payment_id}}};",
           "        if (o.status != status::reserved) return {};\n        return {{payment_authorised{r.payment_id}}, {capture_requested{r.payment_id}, order_confirmed{}}};", ()),
    # Not showing a late capture at all changes nothing that lasts: the refund that must follow proves it (decide_replies.cpp).
    Mutant("late-capture-shown-at-each-hearing", ORDER + "model/decide_replies.cpp",
           "        if (o.status == status::cancelled && o.awaits_void && o.captured == 0) return {{payment_captured", "        if (o.status == status::cancelled && o.total > 0) return {{payment_captured", ("streams.legal",)),
    Mutant("late-capture-confirms-a-cancelled-order", ORDER + "model/decide_replies.cpp",
           "        if (o.status == status::authorised) return {{payment_captured", "        if (o.status == status::authorised || o.awaits_void) return {{payment_captured", ("streams.legal",)),
    Mutant("late-capture-taken-for-a-void", ORDER + "model/decide_replies.cpp",
           "{{payment_captured{r.payment_id}}, {}};\n        return {};", "{{payment_voided{}}, {}};\n        return {};", ("streams.legal", "payments.match_orders")),
    Mutant("stock-that-is-gone-cancels-a-returned-order", ORDER + "model/decide_replies.cpp",
           "        if (o.status != status::confirmed) return nothing_is_held();", "        if (o.status != status::confirmed && o.status != status::returned) return nothing_is_held();", ("streams.legal",),
           plans=("all-returned-then-stock-gone.json",)),
    Mutant("rest-of-an-order-with-returns-not-refunded", ORDER + "model/decide_replies.cpp",
           "        if (rest > 0) d.messages", "        if (rest > 0 && o.returns.empty()) d.messages", ("payments.match_orders",),
           plans=("part-returned-then-stock-gone.json", "part-returned-then-stock-gone-on-two-platforms.json")),
    Mutant("return-refunds-twice", ORDER + "model/decide_commands.cpp",
           "    if (o.has_return(c.return_id)) return decision{};\n", "", ("payments.match_orders", "streams.legal", "orders.kept")),
    Mutant("return-of-more-than-was-ordered", ORDER + "model/decide_commands.cpp",
           "        if (w.quantity > l->quantity - l->returned - r.quantity) return", "        if (w.quantity > l->quantity - r.quantity) return", ()),
    Mutant("projection-skips-a-version", ORDER + "app/project_orders.cpp",
           "\"StreamPaymentCaptured\", \"StreamStockReleased\", \"StreamPaymentVoided\", \"StreamPaymentRefunded\"}", "\"StreamPaymentCaptured\", \"StreamStockReleased\", \"StreamPaymentVoided\"}", ("projections.fold",)),
    Mutant("sales-of-a-cancelled-order-stay", ORDER + "adapters/memory_projection_store.cpp",
           "        if (before) co_await add_sales(tx, *before, -1);\n", "", ("projections.fold",), "read_models_test.cpp, over both stores"),
    Mutant("stale-read-after-a-write", ORDER + "adapters/memory_projection_store.cpp",
           "    if (row && row->summary.version == out.head) out.document", "    if (row) out.document", ("orders.monotonic",), "read_models_test.cpp, over both stores"),

    # Inventory
    Mutant("availability-not-checked", STOCK + "model/stock_book.cpp",
           "        if (available >= line.quantity) continue;\n", "        continue;\n", ()),
    Mutant("part-of-an-order-held", STOCK + "model/stock_book.cpp",
           "    if (!short_of_stock)\n        for (const auto& line : lines) levels_[line.sku].now.reserved += line.quantity;\n",
           "    for (const auto& line : lines)\n        if (!short_of_stock || levels_[line.sku].now.available() >= line.quantity) levels_[line.sku].now.reserved += line.quantity;\n", ("stock.conserved",)),
    Mutant("repeated-order-reserved-again", STOCK + "model/stock_book.cpp",
           "    if (reservations_.contains(id)) return step::nothing;\n", "", ()),
    Mutant("release-whatever-the-status", STOCK + "model/stock_book.cpp",
           "    if (!r || (r->status != reservation_status::held && r->status != reservation_status::committed)) return step::nothing;\n    return give_back(id, reservation_status::released);",
           "    if (!r) return step::nothing;\n    return give_back(id, reservation_status::released);", ()),
    Mutant("release-of-a-sold-order-gives-back-nothing", STOCK + "model/stock_book.cpp",
           "        else level.sold -= line.quantity - line.returned;\n", "", ("stock.conserved",)),
    Mutant("returned-stock-counted-twice-at-release", STOCK + "model/stock_book.cpp",
           "    const auto it = reservations_.find(id);\n    if (it == reservations_.end() || it->second.value.status != reservation_status::committed) return step::nothing;\n",
           "    const auto it = reservations_.find(id);\n    if (it == reservations_.end()) return step::nothing;\n", ()),
    Mutant("return-puts-nothing-back", STOCK + "model/stock_book.cpp",
           "        level.sold -= quantity;\n", "", ("stock.conserved",)),
    Mutant("expiry-not-told", STOCK + "app/handle_order_events.cpp",
           "        if (book.expire(id, now) == step::expired) out.push_back(announce<contract::ReservationExpired>(clock_, rng_, id));\n",
           "        book.expire(id, now);\n", ()),
    Mutant("confirmation-after-expiry-ignored", STOCK + "model/stock_book.cpp",
           "    if (!held && r.status != reservation_status::expired) return step::nothing;\n", "    if (!held) return step::nothing;\n", ("stock.matches_orders",)),
    Mutant("rejected-commit-not-told", STOCK + "app/handle_order_events.cpp",
           "        if (done == step::rejected) return rejection<contract::StockCommitRejected>(clock_, rng_, c->order, shortages);\n", "", ("stock.matches_orders", "orders.final")),
    Mutant("delivery-counted-at-each-repeat", STOCK + "adapters/api.cpp",
           "    if (!given.empty()) return given;\n    if (!ctx.idempotency_key.empty()) return", "    if (!ctx.idempotency_key.empty() && given.empty()) return", ()),

    # Payment
    Mutant("provider-key-not-stable", PAYMENT + "app/perform_operations.cpp",
           "            .key = c.op.key,\n", "            .key = c.attempts > 1 ? c.op.key + \":\" + std::to_string(c.attempts) : c.op.key,\n", ()),
    Mutant("outcome-guessed-instead-of-asked", PAYMENT + "app/apply_answers.cpp",
           "                p.writes().updates.push_back({a.answer.key, operation_state::unknown, later});\n",
           "                p.writes().updates.push_back({a.answer.key, operation_state::done, {}, 0, false});\n", ()),
    Mutant("lease-not-fenced", PAYMENT + "adapters/memory_store.cpp",
           "        if (!found || found->b.state == operation_state::done) continue;\n        auto row = *found;\n        row.b.state = u.state;",
           "        if (!found) continue;\n        auto row = *found;\n        row.b.state = u.state;", (), "store_contract_test.cpp, over both stores"),
    Mutant("capture-booked-at-each-answer", PAYMENT + "model/decide.cpp",
           "    if (p.status != capturing) return ignore(p, \"a capture that is known already\");\n", "", ()),
    Mutant("refund-booked-at-each-answer", PAYMENT + "model/decide.cpp",
           "    if (at == d.next.refunds.end() || at->state != refund_state::requested) return ignore(p, \"a refund that is known already\");\n",
           "    if (at == d.next.refunds.end()) return ignore(p, \"a refund that is known already\");\n", ()),
    Mutant("repeated-refund-request-refunds-again", PAYMENT + "model/decide.cpp",
           "    if (p.find_refund(r.id)) return ignore(p, \"a refund that is known already\");\n"
           "    decision d{.next = p};\n"
           "    auto& made = d.next.refunds.emplace_back(r.id, std::max<std::int64_t>(r.amount.minor, 0), refund_state::refused);\n"
           "    if (r.amount.currency != p.amount.currency || r.amount.minor <= 0) return d;\n"
           "    switch (p.status) {\n"
           "        case capturing:\n"
           "        case authorised:\n"
           "        case authorising:\n"
           "            made.state = refund_state::requested;\n"
           "            return d;\n"
           "        case captured:\n"
           "            if (r.amount.minor > p.refundable()) return d;\n"
           "            made.state = refund_state::requested;\n"
           "            ask(d, operation_kind::refund, r.amount.minor, r.id);\n",
           "    decision d{.next = p};\n"
           "    auto& made = d.next.refunds.emplace_back(p.find_refund(r.id) ? r.id + \"-again\" : r.id, std::max<std::int64_t>(r.amount.minor, 0), refund_state::refused);\n"
           "    if (r.amount.currency != p.amount.currency || r.amount.minor <= 0) return d;\n"
           "    switch (p.status) {\n"
           "        case capturing:\n"
           "        case authorised:\n"
           "        case authorising:\n"
           "            made.state = refund_state::requested;\n"
           "            return d;\n"
           "        case captured:\n"
           "            if (r.amount.minor > p.refundable()) return d;\n"
           "            made.state = refund_state::requested;\n"
           "            ask(d, operation_kind::refund, r.amount.minor, made.id);\n",
           ("payments.match_orders",)),
    Mutant("void-during-a-capture-forgotten", PAYMENT + "model/decide.cpp",
           "    if (p.void_wanted) refund_rest(d);\n", "", ("orders.final", "payments.match_orders")),
    Mutant("void-during-an-authorisation-forgotten", PAYMENT + "model/decide.cpp",
           "    if (p.void_wanted) {\n        start_void(d);\n    } else if", "    if", ("orders.final", "payments.match_orders")),
    Mutant("ledger-one-sided", PAYMENT + "model/ledger.cpp",
           "{{std::string(debit), amount.minor}, {std::string(credit), -amount.minor}}};\n    BV_ASSERT(balanced(t));",
           "{{std::string(debit), amount.minor}, {std::string(credit), 1 - amount.minor}}};", ()),
    Mutant("refund-not-booked", PAYMENT + "model/decide.cpp",
           "    d.bookings.push_back(book_refund(done.key, p.id.value, given));\n", "", ("payments.match_orders",)),
    Mutant("decline-not-told", PAYMENT + "model/decide.cpp",
           "        refuse_waiting_refunds(d.next);\n        d.announcements.push_back(told::declined{o.reason});\n", "        refuse_waiting_refunds(d.next);\n", ()),
    Mutant("operation-handed-over-is-leased-for-good", PAYMENT + "app/handover.cpp",
           "        o.due = now + worker_.lease();\n", "        o.due = now + farthest_due;\n", ("orders.final",)),
    # Answers that are dropped come again: the lease runs out and the provider is asked. A call that is never taken off the list
    # of those under way is another thing.
    Mutant("answered-call-counts-as-under-way", PAYMENT + "app/perform_operations.cpp",
           "        in_flight_.erase(at);\n", "", ("orders.final", "nothing.left")),

    # Notification
    Mutant("buyer-told-at-each-hearing", NOTICE + "model/tell.cpp",
           "    const auto id = id_of(o.order, kind, return_id);\n", "    const auto id = [&] { static int heard = 0; return notice_id{uuid::named(o.order.str() + std::to_string(++heard))}; }();\n", ()),
    Mutant("mail-that-was-put-off-is-not-tried-again", NOTICE + "app/deliver_mail.cpp",
           "a->status == delivery_status::queued ? jobs::verdict::again", "a->status == delivery_status::queued ? jobs::verdict::done", ("notifications.once",)),
    Mutant("buyers-not-told-of-returns", NOTICE + "app/tell_buyers.cpp",
           "            orders::OrderReturned::descriptor()->full_name()};", "            \"nothing\"};", ("notifications.once",)),

    # Leases and fences. In a simulation the position of a group and the state of an order hold where a lease fails.
    Mutant("lease-taken-while-another-has-it", STORAGE + "memory/lease_store.cpp",
           "        return r.expires_at <= clock_.steady_now() ||", "        return r.fence >= 0 || r.expires_at <= clock_.steady_now() ||",
           test=("bv_memory_test", "*lease_contract.one_owner_has_a_name*")),
    Mutant("confirm-hears-of-no-other-owner", STORAGE + "memory/lease_store.cpp",
           "    if (!is_of(guard, l)) throw", "    if (!guard) throw", test=("bv_memory_test", "*lease_contract.one_that_ran_out_goes*")),
    Mutant("lease-goes-to-all-who-ask-at-once", POSTGRES + "lease_store.cpp",
           "WHERE name = $1 AND (expires_at <= clock_timestamp() OR owner IN ($2, $4))", "WHERE name = $1 AND (true OR owner IN ($2, $4))",
           test=("bv_postgres_test", "*lease_contract.of_many_that_ask*")),
    Mutant("fence-stays", POSTGRES + "lease_store.cpp",
           "SET owner = $2, fence = fence + 1,", "SET owner = $2,", test=("bv_postgres_test", "*lease_contract.one_that_ran_out_goes*")),
    Mutant("confirm-asks-for-no-fence", POSTGRES + "lease_store.cpp",
           "WHERE name = $1 AND owner = $2 AND fence = $3\nFOR KEY SHARE", "WHERE name = $1 AND owner = $2 AND $3::bigint > 0\nFOR KEY SHARE",
           test=("bv_postgres_test", "*lease_contract.its_owner_may_take*")),
    Mutant("confirm-locks-nothing", POSTGRES + "lease_store.cpp",
           "fence = $3\nFOR KEY SHARE", "fence = $3", test=("bv_postgres_test", "*lease_contract.an_effect_keeps*")),
    Mutant("lease-that-cannot-be-renewed-is-kept", STORAGE + "leased_job.cpp",
           "            if (clock_.steady_now() >= h.mine.sure_until_.load()) h.lost = true;\n", "", test=("bv_storage_test", "leased_job.one_that_cannot_renew*")),
    Mutant("work-under-a-lease-is-not-fenced", STORAGE + "fenced_transactor.hpp",
           "        co_await under_.confirm(uow);\n", "", test=("bv_storage_test", "fenced.work_is_done*")),
    Mutant("group-moves-from-anywhere", EVENTS + "pg_consumer_store.cpp",
           "AND position = $3 AND fence = $5", "AND $3::bigint >= 0 AND fence = $5", test=("bv_events_test", "*log_contract.lets_two_instances*")),
    Mutant("group-moves-under-an-old-fence", EVENTS + "pg_consumer_store.cpp",
           "AND position = $3 AND fence = $5", "AND position = $3 AND $5::bigint >= 0", test=("bv_events_test", "turns.an_instance_that_woke*")),
    Mutant("old-fence-takes-the-group", EVENTS + "pg_consumer_store.cpp",
           " AND fence <= $3\n", "\n", test=("bv_events_test", "turns.an_instance_that_woke*")),

    # Kafka: positions move by compare-and-set
    Mutant("partitions-move-from-anywhere", EVENTS + "kafka/pg_partition_store.cpp",
           "\n      AND c.position = s.position AND c.next_offset = s.next_offset)", ")", test=("bv_kafka_store_test", "partitions_in_postgres.of_two*")),
    Mutant("offset-not-compared", EVENTS + "kafka/pg_partition_store.cpp",
           " AND c.next_offset = s.next_offset)", ")", test=("bv_kafka_store_test", "partitions_in_postgres.an_offset_alone*")),
    Mutant("part-of-a-batch-moved", EVENTS + "kafka/pg_partition_store.cpp",
           "    if (moved.affected() != static_cast<std::int64_t>(steps->size())) throw", "    if (moved.affected() == 0) throw",
           test=("bv_kafka_store_test", "partitions_in_postgres.a_batch_of_which*")),
    Mutant("partition-that-was-taken-away-moved", EVENTS + "kafka/partition_feed.cpp",
           "        if (e.of->revoked || !e.of->loaded) return std::nullopt;\n", "", test=("bv_kafka_store_test", "partitions_in_postgres.nothing_moves*")),
    Mutant("record-sent-twice-applied-twice", EVENTS + "kafka/partition_feed.cpp",
           "    else if (position <= of.arrived) e = nullptr;\n", "", test=("bv_kafka_test", "a_partition_feed.passes_over_what_was_sent_twice")),
    Mutant("old-relay-begins", EVENTS + "kafka/relay_store.cpp",
           " WHERE r.fence <= excluded.fence\n", "\n", test=("bv_kafka_store_test", "relays.one_that_was_followed*")),
    Mutant("old-relay-moves", EVENTS + "kafka/relay_store.cpp",
           "AND fence = $2 AND position = $3", "AND $2::bigint >= 0 AND position = $3", test=("bv_kafka_store_test", "relays.one_that_was_followed*")),
    Mutant("relay-moves-from-anywhere", EVENTS + "kafka/relay_store.cpp",
           "AND fence = $2 AND position = $3", "AND fence = $2 AND $3::bigint >= 0", test=("bv_kafka_store_test", "relays.one_that_was_rewound*")),
    Mutant("relay-set-back-goes-on", EVENTS + "kafka/relay_store.cpp",
           "AND position = $3 AND fence = $2", "AND $3::bigint >= 0 AND fence = $2", test=("bv_kafka_store_test", "relays.one_that_was_rewound*")),
    Mutant("old-relay-goes-on", EVENTS + "kafka/relay_store.cpp",
           "AND position = $3 AND fence = $2", "AND position = $3 AND $2::bigint >= 0", test=("bv_kafka_store_test", "relays.one_that_was_followed*")),

    # Redis: who loads has a claim
    Mutant("old-value-stored-after-a-change", REDIS + "second_level.cpp",
           "if claim ~= ARGV[1] then return 0 end\n", "", test=("bv_redis_test", "redis_second_level.what_was_loaded_before*")),
    Mutant("all-load-at-once", REDIS + "second_level.cpp",
           "if now and string.sub(now, 1, 1) ~= 'D' then return 0 end\n", "", test=("bv_redis_test", "redis_second_level.of_those_that_look*")),
    Mutant("invalidation-forgotten-when-it-fails", REDIS + "second_level.cpp",
           "            if (!said[i]) continue;\n            paid(", "            paid(", test=("bv_redis_test", "redis_second_level.an_invalidation_that_does_not*")),
    Mutant("own-write-not-read", REDIS + "second_level.cpp",
           "past_until || owed.contains(std::string(key));", "past_until || key.empty();", test=("bv_redis_test", "redis_second_level.a_writer_does_not*")),

    # Keys and jobs in PostgreSQL
    Mutant("answer-of-another-request-under-the-key", POSTGRES + "idempotency.cpp",
           "    if (r.get<std::string_view>(2) != wanted.fingerprint)\n", "    if (wanted.fingerprint.empty())\n", test=("bv_postgres_test", "idempotency.a_repeat_gets*")),
    Mutant("claim-that-ran-out-goes-to-another-request", POSTGRES + "idempotency.cpp",
           " AND k.fingerprint = excluded.fingerprint)", ")", test=("bv_postgres_test", "idempotency.an_abandoned_or_crashed*")),
    Mutant("answer-abandoned", POSTGRES + "idempotency.cpp",
           "WHERE caller = $1 AND key = $2 AND status IS NULL)", "WHERE caller = $1 AND key = $2)", test=("bv_postgres_test", "idempotency.a_repeat_gets*")),
    Mutant("later-answer-stands", POSTGRES + "idempotency.cpp",
           "AND k.key = w.key AND k.status IS NULL)", "AND k.key = w.key)", test=("bv_postgres_test", "idempotency.the_first_answer*")),
    Mutant("job-finished-by-who-lost-it", JOBS + "pg_job_queue.cpp",
           "e.how = 0 AND j.id = e.id AND j.attempts = e.attempt", "e.how = 0 AND j.id = e.id AND j.attempts >= e.attempt",
           test=("bv_jobs_test", "*job_contract.of_a_worker_that_is_too_slow*")),

    # Who may call
    Mutant("every-service-may-call", PEER + "peer_listener.cpp",
           "    if (auto allowed = authorize_service(rule, sender, edge_); !allowed) return refuse(request, std::move(allowed.error()));\n", "    (void)rule;\n",
           test=("bv_peer_test", "PeerTest.TheContractSays*")),
    Mutant("instance-that-was-away-is-never-called-again", "platform/rpc/grpc/channel.cpp",
           "if (!t->breaker.would_allow()) continue;", "if (t->breaker.state() == resilience::circuit_state::open) continue;",
           test=("bv_peer_test", "PeerTest.AProcessThatWasAway*")),
    Mutant("authority-of-another-process-replaced", "platform/security/sealed_file.cpp",
           "        if (!added && at->second != seen) return at->second;\n", "        (void)added, (void)seen;\n", test=("bv_security_test", "*secrets_contract.only_what_was_seen*")),
    Mutant("service-of-another-domain-is-ours", PEER + "peer_listener.cpp",
           "    if (id->trust_domain != trust_domain_ || id->path.empty())\n", "    if (id->path.empty())\n", test=("bv_peer_test", "PeerTest.TheContractSays*")),
    Mutant("connection-outlives-its-certificate", PEER + "peer_listener.cpp",
           "    if (request.peer->not_after <= clock_.now())\n", "    if (request.peer->not_after < time_point{})\n", test=("bv_peer_test", "PeerTest.AConnectionOutlives*")),
    Mutant("whoever-answers-is-called", "platform/net/http/client_connection.cpp",
           "    if (o.peer_uri.empty() || there->uri == o.peer_uri) return {};", "    if (o.peer_uri.empty() || !there->uri.empty()) return {};",
           test=("bv_peer_test", "PeerTest.WhoIsCalledMustBe*")),
)
