#include "domains/commerce/payment/provider/provider.hpp"

#include <charconv>
#include <cstdio>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "domains/commerce/payment/provider/journal.hpp"
#include "domains/commerce/payment/provider/wire.hpp"
#include "platform/net/http/server.hpp"
#include "platform/runtime/runtime.hpp"
#include "platform/runtime/scope.hpp"
#include "platform/runtime/signals.hpp"
#include "platform/security/digest.hpp"
#include "platform/telemetry/log.hpp"
#include "platform/telemetry/metrics.hpp"

namespace bv::payment_provider {
namespace {

http::response json(std::string body, int status = 200) { return {.status = status, .body = std::move(body)}; }

http::response problem(const error& e) {
    const int status = e.reason == "IDEMPOTENCY_KEY_REUSED" ? 422 : http_status(e.code);
    return {.status = status, .content_type = "application/problem+json", .body = to_problem(e, status)};
}

// Begins an answer and never ends it: the server then resets the connection.
task<void> break_off(http::body_writer& out) {
    co_await out.write(" ");
    throw failure(code::aborted, "ANSWER_LOST", "the answer is lost on purpose");
}

http::response lost_answer() { return {.stream = break_off}; }

std::int64_t number(std::string_view query, std::string_view name, std::int64_t otherwise) {
    while (!query.empty()) {
        const auto end = query.find('&');
        const auto pair = query.substr(0, end);
        if (pair.size() > name.size() && pair.starts_with(name) && pair[name.size()] == '=') {
            const auto digits = pair.substr(name.size() + 1);
            std::int64_t n = 0;
            const auto [stop, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), n);
            return ec == std::errc{} && stop == digits.data() + digits.size() ? n : otherwise;
        }
        query.remove_prefix(end == std::string_view::npos ? query.size() : end + 1);
    }
    return otherwise;
}

std::optional<operation> operation_at(std::string_view path) {
    if (path == "/v1/authorisations") return operation::authorise;
    if (path == "/v1/captures") return operation::capture;
    if (path == "/v1/voids") return operation::void_;
    if (path == "/v1/refunds") return operation::refund;
    return std::nullopt;
}

}  // namespace

struct server::impl {
    impl(runtime& r, clock& c, options o)
        : opts(std::move(o)), time(c), home(r.context(0).get_executor()), told(opts.callback, c), now_behaving(opts.behaviour),
          log(opts.journal_file, opts.sync, home, [this](record x) { return ledger.apply(std::move(x)); }),
          http(r, {.address = opts.address, .port = opts.port, .max_body_bytes = 64 * 1024}, [this](http::request& q) { return enter(&q); }) {
        if (opts.api_key.empty()) throw failure(code::invalid_argument, "API_KEY_MISSING", "the provider needs an API key");
        authorization = "Bearer " + opts.api_key;
    }

    // Everything below runs on core 0.
    task<http::response> enter(http::request* q) {
        if (runtime::current_core() == 0) co_return co_await route(q);
        co_return co_await asio::co_spawn(home, route(q), asio::use_awaitable);
    }

    task<http::response> route(http::request* q) {
        const auto path = q->path();
        if (path == "/healthz") co_return json(R"({"status":"ok"})");
        if (!security::equal_in_constant_time(q->headers.get("authorization"), authorization))
            co_return problem({code::unauthenticated, "UNAUTHENTICATED", "send Authorization: Bearer <api key>", {}, {}});
        if (const auto op = operation_at(path); op && q->verb == http::verb::post) co_return co_await perform(*op, q);
        if (path == "/v1/operations" && q->verb == http::verb::get) co_return list(q->query());
        constexpr std::string_view one = "/v1/operations/";
        if (path.starts_with(one) && q->verb == http::verb::get) co_return co_await find(http::percent_decode(path.substr(one.size())).value_or(""));
        if (path == "/v1/totals" && q->verb == http::verb::get) co_return json(to_json(ledger.totals()));
        if (path == "/v1/behaviour" && q->verb == http::verb::get) co_return json(to_json(now_behaving));
        if (path == "/v1/behaviour" && q->verb == http::verb::put) co_return behave(q->body);
        co_return problem({code::not_found, "NOT_FOUND", "there is no " + q->verb_text + " " + std::string(path), {}, {}});
    }

    task<http::response> perform(operation op, http::request* q) {
        const auto b = now_behaving;
        auto asked = parse_command(op, q->headers.get("idempotency-key"), q->body);
        if (!asked) co_return problem(asked.error());
        ++requests;
        if (happens(b.error_rate, b.seed, "error", asked->key + "#" + std::to_string(requests)))
            co_return problem({code::unavailable, "UNAVAILABLE", "an error on purpose: nothing was done", {}, {}});
        auto made = ledger.decide(*asked, b, time.now());
        if (!made) co_return problem(made.error());
        const bool fresh = made->sequence > ledger.last();
        if (fresh) {
            log.append(*made);
            ledger.apply(*made);
        }
        co_await log.durable(made->sequence);
        const auto method = ledger.method_of(*asked);
        if (fresh) {
            tell(*ledger.find(asked->key), b);
            performed.add();
            if (method == "card_lost_answer" || happens(b.lost_answer_rate, b.seed, "lost", asked->key)) co_return lost_answer();
        }
        auto delay = std::chrono::duration_cast<microseconds>(b.delay) + (method == "card_slow" ? b.slow : milliseconds(0));
        if (b.jitter.count() > 0) delay += microseconds(static_cast<std::int64_t>(requests * 7919U % static_cast<std::uint64_t>(b.jitter.count() * 1000)));
        if (delay.count() > 0) co_await time.sleep_for(delay);
        co_return json(to_json(*made));
    }

    void tell(const record& r, const behaviour& b) {
        told.push(r);
        if (happens(b.duplicate_callback_rate, b.seed, "duplicate", r.asked.key)) told.push(r);
    }

    task<http::response> find(std::string key) {
        const auto* r = ledger.find(key);
        if (!r) co_return problem({code::not_found, "UNKNOWN_KEY", "no operation was asked for under the key " + key, {}, {}});
        co_await log.durable(r->sequence);
        co_return json(to_json(*r));
    }

    // Only what is on disk: what is listed does not go away again.
    http::response list(std::string_view query) {
        const auto after = number(query, "after", 0);
        const auto limit = std::clamp<std::int64_t>(number(query, "limit", 500), 1, 1'000);
        return json(to_json(ledger.list(after, static_cast<std::size_t>(limit), log.durable_until()), log.durable_until()));
    }

    http::response behave(std::string_view body) {
        auto b = parse_behaviour(now_behaving, body);
        if (!b) return problem(b.error());
        now_behaving = *b;
        return json(to_json(now_behaving));
    }

    const options opts;
    clock& time;
    asio::any_io_executor home;
    callbacks told;
    behaviour now_behaving;
    books ledger;
    journal log;
    std::string authorization;
    std::uint64_t requests = 0;
    telemetry::counter& performed = telemetry::count("bv_provider_operations_total", "Operations that the provider performed");
    scope background{"payment_provider"};
    http::server http;
};

server::server(runtime& r, clock& c, options o) : impl_(std::make_shared<impl>(r, c, std::move(o))) {}
server::~server() = default;

void server::start() {
    impl_->http.start();
    impl_->background.spawn(impl_->home, impl_->told.run());
}

std::uint16_t server::port() const noexcept { return impl_->http.port(); }

task<void> server::stop(milliseconds grace) {
    const auto self = impl_;
    co_await self->http.drain(grace);
    self->background.stop();
    co_await self->background.join();
}

namespace {

task<void> serve(server* s) {
    s->start();
    telemetry::info("payment_provider.listening", {{"port", s->port()}});
    co_await wait_for_stop_signal();
    co_await s->stop(milliseconds(2'000));
}

}  // namespace

int run_provider(options o) {
    try {
        runtime machine(1);
        server s(machine, system_clock(), std::move(o));
        machine.start();
        machine.block_on(serve(&s));
        machine.stop();
        machine.join();
        return 0;
    } catch (const std::exception& e) {
        std::fprintf(stderr, "the payment provider cannot run: %s\n", e.what());
        return 1;
    }
}

}  // namespace bv::payment_provider
