#include "platform/rpc/grpc/channel.hpp"

#include <algorithm>
#include <atomic>
#include <utility>

#include <fmt/format.h>
#include <google/protobuf/message_lite.h>

#include "platform/core/error.hpp"
#include "platform/rpc/grpc/call_fields.hpp"
#include "platform/rpc/grpc/connections.hpp"
#include "platform/rpc/grpc/status.hpp"
#include "platform/rpc/grpc/stream_call.hpp"
#include "platform/rpc/grpc/wire.hpp"
#include "platform/rpc/message.hpp"
#include "platform/telemetry/semconv.hpp"

namespace bv::rpc::grpc {

namespace {

struct target {
    instance at;
    resilience::circuit_breaker breaker;
    std::string authority;
    std::atomic<int> under_way{0};  // calls with one answer
};

class counted {
public:
    explicit counted(std::atomic<int>& n) : n_(n) { n_.fetch_add(1, std::memory_order_relaxed); }
    counted(const counted&) = delete;
    counted& operator=(const counted&) = delete;
    ~counted() { n_.fetch_sub(1, std::memory_order_relaxed); }

private:
    std::atomic<int>& n_;
};

bool may_repeat(const method& m, const context& ctx) { return m.idempotent || (m.keyed && !ctx.idempotency_key.empty()); }

}  // namespace

struct channel::impl {
    impl(channel_options o, clock& c, rng& r) : options(std::move(o)), time(c), random(r), budget("grpc." + options.name), links(std::make_shared<connections>(options, c, r)) {}

    [[nodiscard]] std::shared_ptr<target> pick(const target* not_this);
    task<http2::exchanged> attempt(target&, call_fields&, std::string body, steady_point deadline);
    task<http2::exchanged> call(const method&, const context&, const telemetry::span_context&, std::string body, steady_point deadline);
    task<std::shared_ptr<http2::client_stream>> open(target&, call_fields&, std::string_view path, steady_point deadline);
    // "service/method"
    [[nodiscard]] failure broken(http2::call_fault, std::string_view path) const;

    channel_options options;
    clock& time;
    rng& random;
    resilience::retry_budget budget;
    std::shared_ptr<connections> links;
    std::mutex mutex;
    std::vector<std::shared_ptr<target>> targets;
    std::atomic<std::size_t> turn{0};
};

// Of those that take calls the one with the fewest under way, of several such the next in turn; there are none: null. An instance that is
// slow or stands still gathers calls, and is given fewer before its breaker opens. One that was away takes a few calls again once its
// breaker says so, and no more while those are under way.
std::shared_ptr<target> channel::impl::pick(const target* not_this) {
    const std::lock_guard lock(mutex);
    const auto first = turn.fetch_add(1, std::memory_order_relaxed);
    std::shared_ptr<target> best, second;
    for (std::size_t i = 0; i < targets.size(); ++i) {
        const auto& t = targets[(first + i) % targets.size()];
        if (!t->breaker.would_allow()) continue;
        if (t.get() == not_this) second = t;
        else if (!best || t->under_way.load(std::memory_order_relaxed) < best->under_way.load(std::memory_order_relaxed)) best = t;
    }
    if (best) return best;
    if (second || targets.empty()) return second;
    return targets[first % targets.size()];  // its breaker refuses the call
}

task<http2::exchanged> channel::impl::attempt(target& to, call_fields& fields, std::string body, steady_point deadline) {
    using fault = http2::call_fault;
    auto permit = to.breaker.acquire();
    if (!permit) co_return http2::exchanged{.fault = fault::unhandled};
    const counted one(to.under_way);
    const auto connection = co_await connections::acquire(links, to.at);
    if (!connection) {
        permit->failed();
        co_return http2::exchanged{.fault = fault::unhandled};
    }
    const auto left = deadline - time.steady_now();
    if (left.count() <= 0) co_return http2::exchanged{.fault = fault::deadline};
    auto done = co_await http2::client_connection::exchange(connection, fields.to(to.authority, left), std::move(body), deadline);
    const bool away = done.fault == fault::lost || done.fault == fault::deadline;
    away ? permit->failed() : permit->succeeded();
    co_return done;
}

task<http2::exchanged> channel::impl::call(const method& m, const context& ctx, const telemetry::span_context& trace, std::string body, steady_point deadline) {
    using fault = http2::call_fault;
    call_fields fields(options, m.path, ctx, trace);
    budget.earn();
    std::shared_ptr<target> asked;
    for (int n = 1;; ++n) {
        asked = pick(asked.get());
        http2::exchanged done{.fault = fault::unhandled};
        if (asked) done = co_await attempt(*asked, fields, body, deadline);
        const bool repeat = done.fault == fault::unhandled || (done.fault == fault::lost && may_repeat(m, ctx));
        if (!repeat || n >= options.retry.attempts || !budget.spend()) co_return done;
        const auto pause = resilience::backoff(options.retry, n, random);
        if (time.steady_now() + pause >= deadline) co_return done;
        co_await time.sleep_for(pause);
    }
}

failure channel::impl::broken(http2::call_fault f, std::string_view path) const {
    using fault = http2::call_fault;
    const auto what = fmt::format("{} ({})", options.name, path.substr(1));
    switch (f) {
    case fault::deadline: return {code::deadline_exceeded, "DEADLINE_EXCEEDED", fmt::format("no answer from {} before the deadline", what)};
    case fault::lost: return {code::unavailable, "ANSWER_LOST", fmt::format("the connection to {} ended before the answer; it may have been handled", what)};
    case fault::too_large: return {code::resource_exhausted, "MESSAGE_TOO_LARGE", fmt::format("the answer of {} is larger than {} bytes", what, options.max_message_bytes)};
    case fault::unhandled:
    case fault::none: break;
    }
    return {code::unavailable, "CONNECT_FAILED", fmt::format("no instance of {} took the call", what)};
}

// Null: that one surely did not take it.
task<std::shared_ptr<http2::client_stream>> channel::impl::open(target& to, call_fields& fields, std::string_view path, steady_point deadline) {
    auto permit = to.breaker.acquire();
    if (!permit) co_return nullptr;
    const auto connection = co_await connections::acquire(links, to.at);
    if (!connection) {
        permit->failed();
        co_return nullptr;
    }
    permit->succeeded();
    const auto left = deadline - time.steady_now();
    if (deadline != steady_point::max() && left.count() <= 0) throw broken(http2::call_fault::deadline, path);
    co_return http2::client_stream::open(connection, fields.to(to.authority, deadline == steady_point::max() ? std::nullopt : std::optional(left)), deadline);
}

channel::channel(channel_options o, clock& c, rng& r) : impl_(std::make_shared<impl>(std::move(o), c, r)) { set_instances(impl_->options.instances); }
channel::~channel() = default;

void channel::set_instances(std::vector<instance> all) {
    const std::lock_guard lock(impl_->mutex);
    std::vector<std::shared_ptr<target>> next;
    for (auto& at : all) {
        const auto known = std::ranges::find(impl_->targets, at, [](const auto& t) { return t->at; });
        if (known != impl_->targets.end()) {
            next.push_back(*known);
            continue;
        }
        const bool v6 = at.host.find(':') != std::string::npos;
        auto authority = v6 ? fmt::format("[{}]:{}", at.host, at.port) : fmt::format("{}:{}", at.host, at.port);
        resilience::circuit_options circuit{.dependency = fmt::format("grpc.{}.{}", impl_->options.name, authority)};
        next.push_back(std::shared_ptr<target>(new target{std::move(at), resilience::circuit_breaker(std::move(circuit), impl_->time), std::move(authority)}));
    }
    impl_->targets = std::move(next);
}

task<void> channel::close() { co_await impl_->links->close(); }

task<result<void>> channel::unary(const method& m, const google::protobuf::MessageLite& request, google::protobuf::MessageLite& answer, context& ctx) {
    const auto self = impl_;
    telemetry::span span(m.path.substr(1), telemetry::span_kind::client, ctx.trace);
    span.set(telemetry::semconv::rpc_system, "grpc");
    span.set("rpc.service", m.service);
    span.set(telemetry::semconv::rpc_method, m.name);
    std::string body(prefix, '\0');
    if (auto written = append_message(body, request); !written) co_return written;
    if (self->options.gzip) body = frame(std::string_view(body).substr(prefix), true);
    else close_frame(body, 0, false);
    const auto deadline = std::min(ctx.deadline, self->time.steady_now() + self->options.timeout);
    const auto& trace = span.context().valid() ? span.context() : ctx.trace;
    auto done = co_await self->call(m, ctx, trace, std::move(body), deadline);
    if (done.fault != http2::call_fault::none) {
        auto f = self->broken(done.fault, m.path);
        span.fail(f.error().reason);
        throw failure(std::move(f));
    }
    if (auto refused = status_of(done.fields, done.status)) {
        if (http_status(refused->code) >= 500) span.fail(refused->reason);
        co_return std::unexpected(std::move(*refused));
    }
    message_reader reader(done.fields.get("grpc-encoding"), self->options.max_message_bytes);
    reader.put(done.body);
    auto message = reader.next();
    if (!message) co_return std::unexpected(std::move(message.error()));
    if (!*message) co_return fail(code::internal, "MALFORMED_FRAME", "the answer has no message");
    ctx.etag = done.fields.get("etag");
    co_return parse_message(**message, answer);
}

task<std::unique_ptr<stream_call>> channel::open(const streamed_method& m, context& ctx) {
    const auto self = impl_;
    telemetry::span span(m.path.substr(1), telemetry::span_kind::client, ctx.trace);
    span.set(telemetry::semconv::rpc_system, "grpc");
    span.set("rpc.service", m.service);
    span.set(telemetry::semconv::rpc_method, m.name);
    call_fields fields(self->options, m.path, ctx, span.context().valid() ? span.context() : ctx.trace);
    std::shared_ptr<target> asked;
    for (int n = 0; n < self->options.retry.attempts; ++n) {
        asked = self->pick(asked.get());
        if (!asked) break;
        if (auto opened = co_await self->open(*asked, fields, m.path, ctx.deadline))
            co_return std::make_unique<open_call>(std::move(opened), self->options.gzip, self->options.max_message_bytes,
                                                  [self, path = m.path](http2::call_fault f) { return self->broken(f, path); }, std::move(span));
    }
    throw self->broken(http2::call_fault::unhandled, m.path);
}

}  // namespace bv::rpc::grpc
