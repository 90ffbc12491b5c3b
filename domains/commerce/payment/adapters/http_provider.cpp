#include "domains/commerce/payment/adapters/http_provider.hpp"

#include <deque>

#include "domains/commerce/payment/adapters/provider_wire.hpp"
#include "platform/runtime/signal.hpp"
#include "platform/net/http/client.hpp"
#include "platform/resilience/bulkhead.hpp"
#include "platform/resilience/circuit_breaker.hpp"
#include "platform/runtime/scope.hpp"
#include "platform/telemetry/metrics.hpp"
#include "platform/telemetry/semconv.hpp"
#include "platform/telemetry/trace.hpp"

namespace bv::payment {
namespace {

provider_answer not_sent(const std::string& key, const error& why) {
    return {.key = key, .kind = answer_kind::not_sent, .retry_after = why.retry_after};
}

}  // namespace

struct http_provider::impl {
    impl(asio::any_io_executor home_, clock& c, provider_options o)
        : home(std::move(home_)), time(c), options(std::move(o)),
          client({.host = options.host, .port = options.port, .max_connections_per_core = options.concurrent + 2, .timeout = options.timeout}),
          places({.name = "payment_provider", .concurrent = static_cast<std::size_t>(options.concurrent), .waiting = 4'096}),
          circuit({.dependency = "payment_provider", .open_for = options.open_for}, c), ready(std::make_shared<bv::signal>(home, time)) {}

    void answer(provider_answer a) {
        answers.push_back(std::move(a));
        ready->notify();
    }

    http::client_request request(http::verb v, std::string target) const {
        http::client_request r{.verb = v, .target = std::move(target), .deadline = time.steady_now() + options.timeout};
        r.headers.add("authorization", "Bearer " + options.api_key);
        return r;
    }

    // Exactly one answer, whatever happens.
    task<void> call(provider_call c) {
        provider_answer a{.key = c.key};
        try {
            const auto place = co_await places.enter();
            auto permit = circuit.acquire();
            if (permit) {
                a = co_await exchange(c, *permit);
            } else {
                a = not_sent(c.key, permit.error());
            }
        } catch (...) {
            const auto e = current_error();
            if (e.reason == "BULKHEAD_FULL") a = not_sent(c.key, e);
        }
        // What was only asked for stays in doubt when the question could not be put.
        if (c.ask && a.kind == answer_kind::not_sent) a.kind = answer_kind::in_doubt;
        answer(std::move(a));
    }

    task<provider_answer> exchange(const provider_call& c, resilience::circuit_breaker::permit& permit) {
        telemetry::span span(c.ask ? "payment provider ask" : "payment provider " + std::string(name(c.kind)), telemetry::span_kind::client,
                             telemetry::span_context::parse(c.traceparent));
        span.set(telemetry::semconv::service_name, "payment");
        auto r = c.ask ? request(http::verb::get, "/v1/operations/" + http::percent_encode(c.key)) : request(http::verb::post, "");
        if (!c.ask) {
            auto asked = to_request(c);
            r.target = std::move(asked.target);
            r.body = std::move(asked.body);
            r.headers.add("idempotency-key", c.key);
        }
        if (span.context().valid()) r.headers.add("traceparent", span.context().traceparent());
        const auto begun = time.steady_now();
        std::optional<error> broken;
        provider_answer a{.key = c.key};
        try {
            const auto got = co_await client.send(std::move(r));
            a = to_answer(c, got.status, got.body, got.headers.get("retry-after"));
            got.status >= 500 ? permit.failed() : permit.succeeded();
        } catch (...) {
            broken = current_error();
        }
        seconds_spent.observe(std::chrono::duration<double>(time.steady_now() - begun).count());
        if (broken) {
            if (broken->code != code::cancelled) permit.failed();
            span.fail(broken->reason);
            // Only a connection that was never made is sure to have done nothing.
            if (broken->reason == "CONNECT_FAILED") a = not_sent(c.key, *broken);
        }
        co_return a;
    }

    task<std::string> get(std::string target) {
        const auto got = co_await client.send(request(http::verb::get, std::move(target)));
        if (got.status != 200)
            throw failure(code::unavailable, "PROVIDER_REFUSES", "the payment provider answers with status " + std::to_string(got.status));
        co_return got.body;
    }

    asio::any_io_executor home;
    clock& time;
    const provider_options options;
    http::client client;
    resilience::bulkhead places;
    resilience::circuit_breaker circuit;
    std::shared_ptr<bv::signal> ready;
    std::deque<provider_answer> answers;
    telemetry::histogram& seconds_spent = telemetry::time("bv_payment_provider_seconds", "Time of a call to the payment provider");
    scope calls{"payment.provider_calls"};
};

http_provider::http_provider(asio::any_io_executor home, clock& c, provider_options o)
    : impl_(std::make_unique<impl>(std::move(home), c, std::move(o))) {}
http_provider::~http_provider() = default;

void http_provider::submit(std::vector<provider_call> calls) {
    for (auto& c : calls) {
        if (impl_->calls.stopping()) {
            impl_->answer({.key = c.key, .kind = c.ask ? answer_kind::in_doubt : answer_kind::not_sent});
        } else {
            impl_->calls.spawn(impl_->home, impl_->call(std::move(c)));
        }
    }
}

task<std::vector<provider_answer>> http_provider::answers(std::size_t max, steady_point until) {
    auto& ready = impl_->answers;
    const auto now = impl_->time.steady_now();
    if (ready.empty() && until > now) co_await impl_->ready->wait_for(until - now);
    std::vector<provider_answer> out;
    while (!ready.empty() && out.size() < max) {
        out.push_back(std::move(ready.front()));
        ready.pop_front();
    }
    co_return out;
}

void http_provider::wake() noexcept { impl_->ready->notify(); }

task<std::vector<provider_record>> http_provider::list(std::int64_t after, int limit) {
    auto records = parse_records(co_await impl_->get("/v1/operations?after=" + std::to_string(after) + "&limit=" + std::to_string(limit)));
    if (!records) throw failure(records.error());
    co_return std::move(*records);
}

task<provider_totals> http_provider::totals() {
    auto t = parse_totals(co_await impl_->get("/v1/totals"));
    if (!t) throw failure(t.error());
    co_return std::move(*t);
}

task<void> http_provider::stop() {
    impl_->calls.stop();
    co_await impl_->calls.join();
    impl_->client.close();
}

}  // namespace bv::payment
