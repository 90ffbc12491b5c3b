#include "app/operations/operations.hpp"

#include <fstream>

#include <fmt/format.h>
#include <unistd.h>

#include "platform/events/rewind.hpp"
#include "app/mail_jobs.hpp"
#include "platform/rpc/message_json.hpp"
#include "platform/rpc/registry.hpp"
#include "platform/rpc/timestamp.hpp"

namespace bv::operations {

namespace {

std::int64_t resident_bytes() {
    std::ifstream in("/proc/self/statm");
    std::int64_t size = 0, resident = 0;
    in >> size >> resident;
    return resident * ::sysconf(_SC_PAGESIZE);
}

contract::DeadLetter to_contract(const events::dead_letter& d) {
    contract::DeadLetter out;
    out.set_group(d.group);
    out.set_source(d.event.source);
    out.set_event_id(d.event.id.str());
    out.set_type(d.event.type);
    out.set_key(d.event.key);
    rpc::set_timestamp(*out.mutable_time(), d.event.time);
    out.set_attempts(d.attempts);
    out.set_error(d.error);
    out.set_state(std::string(events::name(d.state)));
    rpc::set_timestamp(*out.mutable_last_failure_time(), d.last_failed_at);
    if (const auto trace = telemetry::span_context::parse(d.event.traceparent); trace.valid()) out.set_trace_id(trace.trace_id_hex());
    return out;
}

contract::DeadLetter to_contract(const jobs::dead_job& d) {
    contract::DeadLetter out;
    out.set_group(std::string(app::mail_jobs::name));
    out.set_source("jobs");
    out.set_event_id(d.id.str());
    out.set_type(d.kind);
    rpc::set_timestamp(*out.mutable_time(), d.created_at);
    out.set_attempts(d.attempts);
    out.set_error(d.error);
    out.set_state(std::string(events::name(events::dead_letter_state::failed)));
    rpc::set_timestamp(*out.mutable_last_failure_time(), d.dead_at);
    if (const auto trace = telemetry::span_context::parse(d.traceparent); trace.valid()) out.set_trace_id(trace.trace_id_hex());
    return out;
}

// Of jobs: all, or the one of this id.
std::optional<uuid> job_of(const std::string& id) { return id.empty() ? std::nullopt : uuid::parse(id); }

constexpr int most_dead_jobs = 1'000;

events::dead_letter_target target_of(const std::string& event_id, const std::string& key) {
    events::dead_letter_target out;
    if (!event_id.empty()) out.id = uuid::parse(event_id);
    if (!key.empty()) out.key = key;
    return out;
}

void set_duration(google::protobuf::Duration& out, milliseconds d) {
    out.set_seconds(d.count() / 1000);
    out.set_nanos(static_cast<std::int32_t>(d.count() % 1000) * 1'000'000);
}

contract::HeldDelivery to_contract(const events::held_delivery& d) {
    contract::HeldDelivery out;
    set_duration(*out.mutable_held(), d.held);
    for (const auto& s : d.sources) out.add_sources(s);
    for (const auto& t : d.by) {
        auto* by = out.add_transactions();
        by->set_pid(t.pid);
        by->set_prepared(t.prepared);
        by->set_role(t.role);
        by->set_application(t.application);
        by->set_database(t.database);
        by->set_state(t.state);
        set_duration(*by->mutable_open(), t.open);
    }
    return out;
}

}  // namespace

std::unexpected<error> not_here(std::string_view role) {
    return fail(code::unimplemented, "ROLE_NOT_HELD", "this process does not hold the role " + std::string(role));
}

service::service(app::modules& m, std::span<const bv::module> running) : modules_(m), running_(running) {}

contract::PlatformStatus service::status() const {
    contract::PlatformStatus out;
    out.set_ready(true);
    rpc::set_timestamp(*out.mutable_start_time(), started_);
    out.set_resident_bytes(resident_bytes());
    out.set_http_connections(server_ ? static_cast<std::int64_t>(server_->connections()) : 0);
    for (const auto& m : running_) {
        auto* part = out.add_modules();
        part->set_name(m.name);
        part->set_reason(m.unready ? m.unready() : std::string{});
        part->set_ready(part->reason().empty());
        if (!part->ready()) out.set_ready(false);
        else if (m.degraded) part->set_reason(m.degraded());
    }
    for (const auto& s : modules_.log.status()) {
        auto* group = out.add_groups();
        group->set_group(s.group);
        group->set_source(s.source);
        group->set_position(s.position);
        group->set_lag(s.lag);
        group->set_dead_letters(s.dead_letters);
    }
    if (const auto* mails = modules_.mails()) {
        auto* queue = out.add_job_queues();
        queue->set_queue(std::string(app::mail_jobs::name));
        queue->set_waiting(mails->counts().waiting);
        queue->set_dead(mails->counts().dead);
    }
    if (const auto held = modules_.log.held()) *out.mutable_held_delivery() = to_contract(*held);
    for (const auto& [name, db] : modules_.databases()) {
        const auto stats = db->stats();
        auto* pool = out.add_pools();
        pool->set_name(name);
        pool->set_open(stats.open);
        pool->set_busy(stats.busy);
        pool->set_waiting(stats.waiting);
    }
    return out;
}

task<result<contract::PlatformStatus>> service::get_status(rpc::context&, contract::GetStatusRequest) { co_return status(); }

task<result<contract::ListDeadLettersResponse>> service::list_dead_letters(rpc::context&, contract::ListDeadLettersRequest request) {
    const auto found = co_await modules_.log.letters().list(
        {.group = request.group(), .unresolved_only = !request.include_resolved(), .limit = request.page_size() == 0 ? 100 : request.page_size()});
    contract::ListDeadLettersResponse out;
    for (const auto& d : found) *out.add_dead_letters() = to_contract(d);
    if (!modules_.mails() || !(request.group().empty() || is_of_jobs(request.group()))) co_return out;
    const auto dead = co_await modules_.mails()->queue().dead(request.page_size() == 0 ? 100 : request.page_size());
    for (const auto& d : dead) *out.add_dead_letters() = to_contract(d);
    co_return out;
}

bool service::is_of_jobs(const std::string& group) const { return modules_.mails() != nullptr && group == app::mail_jobs::name; }

task<result<contract::DeadLetter>> service::get_dead_job(std::string id) {
    const auto dead = co_await modules_.mails()->queue().dead(most_dead_jobs);
    for (const auto& d : dead)
        if (d.id == job_of(id)) co_return to_contract(d);
    co_return fail(code::not_found, "UNKNOWN_EVENT", fmt::format("no job {} was given up", id));
}

task<result<contract::DeadLetter>> service::get_dead_letter(rpc::context&, contract::GetDeadLetterRequest request) {
    if (is_of_jobs(request.group())) co_return co_await get_dead_job(request.event_id());
    const auto found = co_await modules_.log.letters().show(request.group(), *uuid::parse(request.event_id()));
    if (!found) co_return std::unexpected(found.error());
    auto out = to_contract(*found);
    if (const auto text = rpc::to_json(found->event.type, found->event.payload, true)) {
        if (auto parsed = json::parse(*text, *out.mutable_payload()); !parsed) out.clear_payload();
    }
    co_return out;
}

task<result<contract::ReplayDeadLettersResponse>> service::replay_dead_letters(rpc::context&, contract::ReplayDeadLettersRequest request) {
    contract::ReplayDeadLettersResponse out;
    if (is_of_jobs(request.group())) {
        if (request.key().empty()) out.set_replayed(co_await modules_.mails()->queue().revive(job_of(request.event_id())));  // jobs have no keys
        co_return out;
    }
    const auto report = co_await modules_.log.letters().replay(request.group(), target_of(request.event_id(), request.key()));
    if (!report) co_return std::unexpected(report.error());
    out.set_replayed(static_cast<std::int64_t>(report->replayed));
    out.set_failed(static_cast<std::int64_t>(report->failed));
    out.set_first_error(report->first_error);
    co_return out;
}

task<result<contract::DiscardDeadLettersResponse>> service::discard_dead_letters(rpc::context&, contract::DiscardDeadLettersRequest request) {
    contract::DiscardDeadLettersResponse out;
    if (is_of_jobs(request.group())) {
        if (request.key().empty()) out.set_discarded(co_await modules_.mails()->queue().discard(job_of(request.event_id())));
        co_return out;
    }
    const auto discarded = co_await modules_.log.letters().discard(request.group(), target_of(request.event_id(), request.key()));
    if (!discarded) co_return std::unexpected(discarded.error());
    out.set_discarded(static_cast<std::int64_t>(*discarded));
    co_return out;
}

task<result<contract::RewindGroupResponse>> service::rewind_group(rpc::context&, contract::RewindGroupRequest request) {
    events::rewind_target to;
    if (request.has_time()) to.time = rpc::to_time_point(request.time());
    if (request.position() > 0) to.position = request.position();
    if (to.time && to.position) co_return invalid({{"position", "either a time or a position, not both"}});
    const events::rewinds groups(modules_.log, modules_.database("log"));
    const auto steps = request.dry_run() ? co_await groups.plan(request.group(), request.source(), to) : co_await groups.apply(request.group(), request.source(), to);
    if (!steps) co_return std::unexpected(steps.error());
    contract::RewindGroupResponse out;
    for (const auto& s : *steps) {
        auto* one = out.add_sources();
        one->set_source(s.source);
        one->set_position(s.passed);
        one->set_begins_after(s.after);
        one->set_events(s.events);
    }
    co_return out;
}

task<result<contract::RebuildProjectionsResponse>> service::rebuild_projections(rpc::context&, contract::RebuildProjectionsRequest) {
    contract::RebuildProjectionsResponse out;
    if (!modules_.orders.held()) co_return not_here("order");
    out.set_orders((co_await modules_.orders.here().rebuild()).orders);
    co_return out;
}

task<result<contract::RotateKeysResponse>> service::rotate_keys(rpc::context&, contract::RotateKeysRequest) {
    if (!modules_.identity.held()) co_return not_here("identity");
    co_await modules_.identity.here().rotate_keys();
    co_return contract::RotateKeysResponse{};
}

task<std::vector<std::string>> seed(app::modules& modules) {
    std::vector<std::string> logins;
    if (modules.identity.held()) {
        for (const auto& a : co_await modules.identity.here().ensure_development_accounts())
            logins.push_back(fmt::format("{:<10} {:<28} {}", a.name, a.email.empty() ? "X-Api-Key" : a.email, a.secret));
    }
    if (modules.products.held()) co_await modules.products.here().seed_catalogue();
    if (!modules.inventory.held()) co_return logins;
    auto context = rpc::context::for_service("operations");
    bitvelocity::commerce::inventory::v1::BatchReceiveStockRequest delivery;
    delivery.set_reference("first delivery");  // booked once, however often the platform starts
    for (const auto& sku : product::service::seed_skus()) {
        auto* item = delivery.add_items();
        item->set_sku(sku);
        item->set_quantity(100);
    }
    const auto received = co_await modules.inventory.contract().batch_receive_stock(context, delivery);
    if (!received) throw failure(received.error());
    co_return logins;
}

}  // namespace bv::operations
