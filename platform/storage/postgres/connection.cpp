#include "platform/storage/postgres/connection.hpp"

#include <algorithm>
#include <optional>

#include <fmt/format.h>
#include <libpq-fe.h>

#include "platform/core/assert.hpp"
#include "platform/storage/postgres/sql_errors.hpp"
#include "platform/telemetry/semconv.hpp"

namespace bv::pg {
namespace {

namespace semconv = telemetry::semconv;

constexpr statement set_identity{"bv.identity",
                                 "SELECT set_config('bv.actor', $1, true), set_config('bv.customer', $2, true), "
                                 "set_config('bv.all_customers', $3, true), set_config('bv.traceparent', $4, true)"};
constexpr statement commit_statement{"bv.commit", "COMMIT"};
constexpr statement rollback_statement{"bv.rollback", "ROLLBACK"};

statement begin_statement(storage::isolation i, bool read_only) {
    switch (i) {
        case storage::isolation::read_committed:
            return read_only ? statement{"bv.begin_ro", "BEGIN READ ONLY"} : statement{"bv.begin", "BEGIN"};
        case storage::isolation::repeatable_read:
            return read_only ? statement{"bv.begin_rr_ro", "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"}
                             : statement{"bv.begin_rr", "BEGIN ISOLATION LEVEL REPEATABLE READ"};
        case storage::isolation::serializable:
            return read_only ? statement{"bv.begin_ser_ro", "BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY"}
                             : statement{"bv.begin_ser", "BEGIN ISOLATION LEVEL SERIALIZABLE"};
    }
    BV_ASSERT(false && "an isolation level");
    return {};
}

params identity_params(const storage::identity& who) {
    return params(who.actor, who.customer ? who.customer->str() : std::string(), std::string_view(who.all_customers ? "true" : "false"),
                  who.traceparent);
}

// "SELECT", "INSERT", …: for traces.
std::string_view operation(std::string_view sql) {
    const auto first = sql.find_first_not_of(" \t\r\n(");
    if (first == sql.npos) return "EMPTY";
    return sql.substr(first, sql.find_first_of(" \t\r\n(;", first) - first);
}

}  // namespace

connection::connection(asio::any_io_executor e, std::shared_ptr<client> c) : client_(c), channel_(std::move(e), std::move(c)) {}

task<void> connection::open(steady_point deadline) {
    co_await channel_.connect(deadline);
    enter_pipeline();
}

void connection::enter_pipeline() {
    if (PQenterPipelineMode(channel_.raw()) != 1) channel_.lost();
}

void connection::begin(const storage::transaction_options& o) {
    BV_ASSERT(phase_ == phase::none && pending_.empty());
    options_ = o;
    phase_ = phase::begin_due;
    trace_parent_ = o.identity.traceparent.empty() ? telemetry::span_context{} : telemetry::span_context::parse(o.identity.traceparent);
}

void connection::queue_begin() {
    if (phase_ != phase::begin_due) return;
    phase_ = phase::open;
    queue(begin_statement(options_.isolation, options_.read_only), params(), false);
    queue(set_identity, identity_params(options_.identity), false);
}

void connection::prepare(const statement& s, const params& p) {
    const auto slots = p.slots();
    if (const auto known = prepared_.find(s.name); known != prepared_.end()) {
        BV_ASSERT(known->second.sql == s.sql && "two statements of one name");
        const auto same = [](const params::slot& a, std::uint32_t b) { return a.oid == b; };
        if (!std::ranges::equal(slots, known->second.oids, same)) {
            throw std::logic_error(fmt::format("statement {} was prepared with parameters of other types or of another number", s.name));
        }
        return;
    }
    prepared entry{std::string(s.sql), {}};
    for (const auto& slot : slots) entry.oids.push_back(slot.oid);
    const auto it = prepared_.emplace(std::string(s.name), std::move(entry)).first;
    if (PQsendPrepare(channel_.raw(), it->first.c_str(), it->second.sql.c_str(), static_cast<int>(slots.size()), it->second.oids.data()) != 1) {
        channel_.lost();
    }
    pending_.push_back({step::prepare, s.name});
}

void connection::queue(const statement& s, const params& p, bool traced) {
    if (!channel_.usable()) channel_.lost();
    prepare(s, p);
    // Only read by libpq inside the call.
    thread_local std::vector<const char*> values;
    thread_local std::vector<int> lengths, formats;
    values.clear();
    lengths.clear();
    const auto slots = p.slots();
    for (const auto& slot : slots) {
        values.push_back(slot.offset < 0 ? nullptr : p.buffer().data() + slot.offset);
        lengths.push_back(std::max(slot.length, 0));
    }
    formats.assign(slots.size(), 1);
    if (PQsendQueryPrepared(channel_.raw(), prepared_.find(s.name)->first.c_str(), static_cast<int>(slots.size()), values.data(),
                            lengths.data(), formats.data(), 1) != 1) {
        channel_.lost();
    }
    pending entry{step::run, s.name};
    if (traced) {
        entry.started = client_->clock.steady_now();
        client_->statements.add();
        if (trace_parent_.valid() && trace_parent_.sampled) {
            entry.span = telemetry::span(s.name, telemetry::span_kind::client, trace_parent_);
            entry.span.set(semconv::db_system, "postgresql");
            entry.span.set(semconv::db_operation_name, operation(s.sql));
            entry.span.set(semconv::db_namespace, client_->options.name);
            entry.span.set(semconv::service_name, client_->options.name);  // a database is its service's own
        }
    }
    pending_.push_back(std::move(entry));
}

void connection::queue_sync() {
    if (PQpipelineSync(channel_.raw()) != 1) channel_.lost();
    pending_.push_back({step::sync, "sync"});
}

void connection::forget(std::string_view name) {
    if (const auto it = prepared_.find(name); it != prepared_.end()) prepared_.erase(it);
}

void connection::settle(pending& p, bool failed, std::string_view problem) {
    if (p.kind == step::prepare && failed) forget(p.name);
    if (p.started == steady_point{}) return;
    client_->statement_seconds.observe(std::chrono::duration<double>(client_->clock.steady_now() - p.started).count());
    if (failed) {
        client_->failures.add();
        p.span.set(semconv::db_response_status_code, problem);
        p.span.fail(problem);
    }
    p.span.end();
}

task<rows> connection::drain() {
    channel_.set_deadline(client_->statement_deadline(options_.deadline));
    rows last;
    std::optional<sql_error> first_error;
    bool failed = false;
    std::string problem;
    while (!pending_.empty()) {
        co_await channel_.result_ready();
        pending& at = pending_.front();
        PGresult* raw = PQgetResult(channel_.raw());
        if (raw == nullptr) {
            if (!channel_.usable()) channel_.lost();
            if (at.kind == step::sync) continue;
            settle(at, failed, problem);
            failed = false;
            pending_.pop_front();
            continue;
        }
        rows result(raw);
        switch (PQresultStatus(raw)) {
            case PGRES_TUPLES_OK:
            case PGRES_COMMAND_OK:
            case PGRES_EMPTY_QUERY:
                if (at.kind == step::run) last = std::move(result);
                break;
            case PGRES_PIPELINE_SYNC: pending_.pop_front(); break;
            case PGRES_PIPELINE_ABORTED:
                failed = true;
                problem = "skipped after an earlier error";
                break;
            default: {
                auto error = error_of(raw, at.name);
                failed = true;
                problem = error.sqlstate();
                if (ends_connection(error.sqlstate())) channel_.lost();
                stale_plans_ = stale_plans_ || error.sqlstate() == "0A000";  // "cached plan must not change result type"
                if (!first_error) first_error.emplace(std::move(error));
            }
        }
    }
    channel_.clear_deadline();
    if (first_error) throw *std::move(first_error);
    co_return last;
}

void connection::send(const statement& s, const params& p) {
    queue_begin();
    queue(s, p, true);
}

task<rows> connection::query(statement s, params p) {
    BV_ASSERT(pending_.empty() || pending_.back().kind != step::sync);  // one query of a transaction at a time
    send(s, p);
    queue_sync();
    co_return co_await drain();
}

// Not in a pipeline: libpq takes several statements in one string outside of one only.
task<void> connection::execute(std::string sql) {
    queue_begin();
    if (!pending_.empty()) {
        queue_sync();
        co_await drain();
    }
    if (PQexitPipelineMode(channel_.raw()) != 1) channel_.lost();
    channel_.set_deadline(client_->statement_deadline(options_.deadline));
    if (PQsendQuery(channel_.raw(), sql.c_str()) != 1) channel_.lost();
    std::optional<sql_error> error;
    for (;;) {
        co_await channel_.result_ready();
        PGresult* raw = PQgetResult(channel_.raw());
        if (raw == nullptr) break;
        const rows result(raw);
        const auto status = PQresultStatus(raw);
        if (status == PGRES_COPY_IN || status == PGRES_COPY_OUT) channel_.lost();  // there is nobody to copy
        if (status != PGRES_FATAL_ERROR && status != PGRES_BAD_RESPONSE) continue;
        auto e = error_of(raw, "(script)");
        if (ends_connection(e.sqlstate())) channel_.lost();
        if (!error) error.emplace(std::move(e));
    }
    if (!channel_.usable()) channel_.lost();
    channel_.clear_deadline();
    enter_pipeline();
    if (error) throw *std::move(error);
}

task<rows> connection::run_alone(const storage::identity* who, statement s, params p, steady_point deadline) {
    BV_ASSERT(phase_ == phase::none && pending_.empty());
    options_ = {};
    options_.deadline = deadline;
    trace_parent_ = {};
    if (who != nullptr) {
        if (!who->traceparent.empty()) trace_parent_ = telemetry::span_context::parse(who->traceparent);
        // Up to the synchronisation point all is one implicit transaction.
        queue(set_identity, identity_params(*who), false);
    }
    queue(s, p, true);
    queue_sync();
    co_return co_await drain();
}

task<void> connection::commit() {
    if (phase_ == phase::begin_due) {
        phase_ = phase::none;
        co_return;
    }
    if (!channel_.usable()) channel_.lost();
    if (pending_.empty() && PQtransactionStatus(channel_.raw()) == PQTRANS_INERROR) {
        // COMMIT would be answered by a silent rollback.
        throw failure(code::internal, "TRANSACTION_FAILED", "a statement of the transaction failed and its error was ignored: nothing was committed");
    }
    std::string lost;
    try {
        queue(commit_statement, params(), true);
        queue_sync();
        co_await drain();
        phase_ = phase::none;
    } catch (const connection_lost& e) {
        if (options_.read_only) throw;
        lost = e.what();
    } catch (const sql_error&) {
        throw;
    } catch (const failure& e) {
        if (options_.read_only) throw;
        lost = e.what();
    }
    if (!lost.empty()) {
        throw failure(code::unavailable, "COMMIT_UNKNOWN",
                      fmt::format("it is not known whether the transaction was committed: {}. Look for its effect before doing it again", lost));
    }
}

task<void> connection::rollback() {
    if (phase_ == phase::begin_due) phase_ = phase::none;
    if (phase_ == phase::none || !channel_.usable()) co_return;
    if (!pending_.empty()) queue_sync();  // a failure of what is queued must not skip the ROLLBACK
    options_.deadline = steady_point::max();
    queue(rollback_statement, params(), false);
    queue_sync();
    try {
        co_await drain();
    } catch (const sql_error&) {
        // Of what was still queued: it is being undone.
    }
    if (PQtransactionStatus(channel_.raw()) == PQTRANS_IDLE) phase_ = phase::none;
}

bool connection::reusable() const noexcept {
    return phase_ == phase::none && pending_.empty() && !stale_plans_ && channel_.usable() &&
           PQpipelineStatus(channel_.raw()) == PQ_PIPELINE_ON && PQtransactionStatus(channel_.raw()) == PQTRANS_IDLE;
}

}  // namespace bv::pg
