#include "app/operations/front.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "app/operations/span_feed.hpp"
#include "platform/telemetry/log.hpp"
#include "platform/telemetry/trace_store.hpp"
#include "platform/telemetry/untraced.hpp"

namespace bv::operations {

namespace {

constexpr milliseconds patience{1'000};  // with one process, where the answer can do without it

class one_process final : public rpc::directory {
public:
    explicit one_process(rpc::address a) : address_(std::move(a)) {}
    std::vector<rpc::address> find(std::string_view) override { return {address_}; }

private:
    rpc::address address_;
};

rpc::context own_context() {
    auto ctx = rpc::context::for_service("operations", telemetry::untraced());
    ctx.deadline = system_clock().steady_now() + patience;
    return ctx;
}

// What another process says of itself, into what is said of all.
void merge(const std::string& role, contract::PlatformStatus from, contract::PlatformStatus& to) {
    for (auto& m : *from.mutable_modules()) {
        // Each process has these.
        if (m.name() == "database" || m.name() == "events" || m.name() == "redis") m.set_name(fmt::format("{} of {}", m.name(), role));
        to.mutable_modules()->Add(std::move(m));
    }
    for (auto& g : *from.mutable_groups()) {
        const auto same = [&](const auto& known) { return known.group() == g.group() && known.source() == g.source(); };
        const auto known = std::ranges::find_if(*to.mutable_groups(), same);
        // Of several instances of a group the one that is furthest says where it is; one that waits for its turn knows no lag.
        if (known == to.mutable_groups()->end()) to.mutable_groups()->Add(std::move(g));
        else if (std::pair(known->position(), known->lag()) < std::pair(g.position(), g.lag())) *known = std::move(g);
    }
    for (auto& q : *from.mutable_job_queues())
        if (std::ranges::none_of(to.job_queues(), [&](const auto& known) { return known.queue() == q.queue(); })) to.mutable_job_queues()->Add(std::move(q));
    for (auto& p : *from.mutable_pools()) {
        p.set_name(p.name() == "log" ? fmt::format("log of {}", role) : p.name());
        to.mutable_pools()->Add(std::move(p));
    }
    if (from.has_held_delivery() && !to.has_held_delivery()) *to.mutable_held_delivery() = std::move(*from.mutable_held_delivery());
    to.set_resident_bytes(to.resident_bytes() + from.resident_bytes());
}

}  // namespace

front::front(app::modules& m, service& own) : modules_(m), own_(own) {
    for (const auto& r : app::roles())
        if (!m.holds(r.name)) others_.emplace(std::string(r.name), m.channel(r.name));
}

contract::operations_service& front::of(std::string_view role) {
    const auto it = others_.find(role);
    return it == others_.end() ? static_cast<contract::operations_service&>(own_) : it->second;
}

std::vector<contract::operations_service*> front::consumers() {
    std::vector<contract::operations_service*> out{&own_};
    for (const auto& r : app::roles())
        if (const auto it = others_.find(r.name); it != others_.end() && !r.follows.empty()) out.push_back(&it->second);
    return out;
}

task<void> front::add_process(contract::PlatformStatus& to, app::role_process p) {
    auto* one = to.add_processes();
    one->set_role(p.role);
    one->set_port(p.port);
    if (!p.ready) {
        one->set_reason(p.state);
        to.set_ready(false);
        co_return;
    }
    one_process there({p.host, p.port});
    const auto& of = modules_.of();
    rpc::peer_channel channel(p.role, there, of.identity, of.clock, of.rng);
    contract::operations_service_remote remote(channel);
    auto ctx = own_context();
    result<contract::PlatformStatus> said = contract::PlatformStatus{};
    try {
        said = co_await remote.get_status(ctx, {});
    } catch (const failure& f) {
        said = std::unexpected(f.error());
    }
    co_await channel.close();
    if (!said) {
        one->set_reason(said.error().message);
        to.set_ready(false);
        co_return;
    }
    one->set_ready(said->ready());
    *one->mutable_start_time() = said->start_time();
    one->set_resident_bytes(said->resident_bytes());
    for (const auto& m : said->modules())
        if (!m.ready()) one->set_reason(fmt::format("{}: {}", m.name(), m.reason()));
    if (!said->ready()) to.set_ready(false);
    merge(p.role, std::move(*said), to);
}

task<contract::PlatformStatus> front::status() {
    auto out = own_.status();
    if (modules_.of().peers == nullptr) co_return out;
    for (auto& p : modules_.of().peers->all())
        if (!modules_.holds(p.role)) co_await add_process(out, std::move(p));
    co_return out;
}

task<void> front::collect_traces() {
    if (modules_.of().peers == nullptr) co_return;
    for (const auto& [role, remote] : others_) {
        auto& channel = modules_.channel(role);
        for (const auto& address : channel.addresses()) {
            http::client_request r;
            {
                const std::scoped_lock lock(mutex_);
                r.target = fmt::format("{}?after={}", spans_path, spans_seen_[address]);
            }
            r.deadline = system_clock().steady_now() + patience;
            try {
                const auto answer = co_await channel.send(std::move(r), own_context().caller, address);
                span_batch batch;
                if (answer.status != 200 || !parse_spans(answer.body, batch)) continue;
                const std::scoped_lock lock(mutex_);
                // Two who asked at once got the same spans: only the first takes them over.
                if (spans_seen_[address] == batch.last) continue;
                spans_seen_[address] = batch.last;
                telemetry::recent_traces().export_spans(batch.spans);
            } catch (const failure& f) {
                telemetry::warn("operations.traces_not_seen", {{"role", role}, {"reason", f.error().reason}});
            }
        }
    }
}

task<result<contract::PlatformStatus>> front::get_status(rpc::context&, contract::GetStatusRequest) { co_return co_await status(); }

task<result<contract::ListDeadLettersResponse>> front::list_dead_letters(rpc::context& ctx, contract::ListDeadLettersRequest request) {
    contract::ListDeadLettersResponse out;
    for (auto* one : consumers()) {
        auto some = co_await one->list_dead_letters(ctx, request);
        if (!some && some.error().reason != "UNKNOWN_GROUP") co_return some;
        if (some) out.MergeFrom(*some);
    }
    co_return out;
}

template <class Response, class Request>
task<result<Response>> front::ask_owner(rpc::context& ctx, Request request, task<result<Response>> (contract::operations_service::*call)(rpc::context&, Request)) {
    result<Response> out = fail(code::not_found, "UNKNOWN_GROUP", fmt::format("there is no consumer group \"{}\"", request.group()));
    for (auto* one : consumers()) {
        out = co_await (one->*call)(ctx, request);
        if (out || out.error().reason != "UNKNOWN_GROUP") break;
    }
    co_return out;
}

task<result<contract::DeadLetter>> front::get_dead_letter(rpc::context& ctx, contract::GetDeadLetterRequest request) {
    return ask_owner(ctx, std::move(request), &contract::operations_service::get_dead_letter);
}
task<result<contract::ReplayDeadLettersResponse>> front::replay_dead_letters(rpc::context& ctx, contract::ReplayDeadLettersRequest request) {
    return ask_owner(ctx, std::move(request), &contract::operations_service::replay_dead_letters);
}
task<result<contract::DiscardDeadLettersResponse>> front::discard_dead_letters(rpc::context& ctx, contract::DiscardDeadLettersRequest request) {
    return ask_owner(ctx, std::move(request), &contract::operations_service::discard_dead_letters);
}
task<result<contract::RewindGroupResponse>> front::rewind_group(rpc::context& ctx, contract::RewindGroupRequest request) {
    return ask_owner(ctx, std::move(request), &contract::operations_service::rewind_group);
}
task<result<contract::RebuildProjectionsResponse>> front::rebuild_projections(rpc::context& ctx, contract::RebuildProjectionsRequest request) {
    return of("order").rebuild_projections(ctx, std::move(request));
}
task<result<contract::RotateKeysResponse>> front::rotate_keys(rpc::context& ctx, contract::RotateKeysRequest request) {
    return of("identity").rotate_keys(ctx, std::move(request));
}
task<result<contract::ListFieldKeysResponse>> front::list_field_keys(rpc::context& ctx, contract::ListFieldKeysRequest request) {
    return of("identity").list_field_keys(ctx, std::move(request));
}
task<result<contract::RotateFieldKeyResponse>> front::rotate_field_key(rpc::context& ctx, contract::RotateFieldKeyRequest request) {
    return of("identity").rotate_field_key(ctx, std::move(request));
}
task<result<contract::EncryptFieldsAgainResponse>> front::encrypt_fields_again(rpc::context& ctx, contract::EncryptFieldsAgainRequest request) {
    return of("identity").encrypt_fields_again(ctx, std::move(request));
}
task<result<contract::RetireFieldKeyResponse>> front::retire_field_key(rpc::context& ctx, contract::RetireFieldKeyRequest request) {
    return of("identity").retire_field_key(ctx, std::move(request));
}

}  // namespace bv::operations
