#include "app/replay/platform_api.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

#include "app/replay/json_fields.hpp"
#include "platform/core/error.hpp"

namespace bv::replay {

namespace json = boost::json;

namespace {

json::value parsed(const std::string& body) {
    if (body.empty()) return {};
    boost::system::error_code ec;
    auto v = json::parse(body, ec);
    return ec ? json::value{} : v;
}

}  // namespace

platform_api::platform_api(api_options o, clock& c, rng& r) : options_(std::move(o)), clock_(c), rng_(r) { find_again(); }

void platform_api::find_again() {
    auto where = options_.where();
    if (client_ && where.port == port_) return;
    port_ = where.port;
    client_ = std::make_shared<http::client>(std::move(where));
}

void platform_api::close() { client_->close(); }

task<platform_api::attempt> platform_api::try_once(http::client_request r) {
    const auto client = client_;  // another call may replace it meanwhile
    attempt out;
    try {
        out.response = co_await client->send(std::move(r));
        out.status = out.response.status;
    } catch (const failure& f) {
        const auto& e = f.error();
        // Only what may pass is tried again.
        if (e.code != code::unavailable && e.code != code::deadline_exceeded) throw;
        e.reason == "CONNECT_FAILED" ? ++counts_.refused_connections : ++counts_.lost;
        out.why = e.message;
    }
    co_return out;
}

void platform_api::note_absence(const attempt& a) {
    const auto now = clock_.steady_now();
    if (!away_since_) {
        away_since_ = now;
        ++counts_.outages;
    }
    if (now - *away_since_ < options_.patience) return;
    throw failure(code::unavailable, "PLATFORM_AWAY",
                  fmt::format("the platform has not answered for {} s ({}). Start it with bv up, then run this again: it goes on where it stopped",
                              std::chrono::duration_cast<seconds>(now - *away_since_).count(), a.why.empty() ? fmt::format("status {}", a.status) : a.why));
}

task<api_answer> platform_api::call(http::verb verb, std::string target, std::string body, std::string key) {
    const auto begun = clock_.steady_now();
    for (int n = 1;; ++n) {
        http::client_request r;
        r.verb = verb;
        r.target = target;
        r.body = body;
        r.headers.add("X-Api-Key", options_.key);
        if (!key.empty()) r.headers.add("Idempotency-Key", key);
        auto a = co_await try_once(std::move(r));
        auto answer = api_answer{a.status, parsed(a.response.body), a.response.headers.get("Idempotency-Replayed") == "true"};
        const auto reason = a.status >= 400 ? text_at(answer.body, "reason") : std::string{};
        const auto j = judge(a.status, reason, parse_retry_after(a.response.headers.get("Retry-After")), n, options_.rules);
        counts_.throttled += j.throttled;
        if (j.away) {
            find_again();
            note_absence(a);
        } else {
            away_since_.reset();
        }
        if (j.what == verdict::take) {
            ++counts_.requests;
            if (a.status == 401 || a.status == 403)
                throw failure(code::permission_denied, "KEY_REFUSED", fmt::format("the platform refuses the key of the data directory for {}: {}", target, text_at(answer.body, "detail")));
            co_return answer;
        }
        if (clock_.steady_now() - begun > options_.longest_call)
            throw failure(code::deadline_exceeded, "NO_PROGRESS", fmt::format("{} found no answer in {} tries; the last was {}", target, n, a.status));
        // Jitter, so that callers that failed together do not come back together.
        co_await clock_.sleep_for(j.pause + std::chrono::duration_cast<std::chrono::nanoseconds>(j.pause * (rng_.uniform() / 4)));
    }
}

task<json::value> platform_api::demand(http::verb verb, std::string target, std::string body, std::string key) {
    auto a = co_await call(verb, target, std::move(body), std::move(key));
    if (a.ok()) co_return std::move(a.body);
    auto what = fmt::format("{} {} was answered {}: {}", http::name(verb), target, a.status, text_at(a.body, "detail"));
    for (const auto& v : items_at(a.body, "violations")) what += fmt::format("; {} {}", text_at(v, "field"), text_at(v, "description"));
    throw failure(a.status == 404 ? code::not_found : code::failed_precondition, text_at(a.body, "reason"), what);
}

task<std::optional<std::string>> platform_api::page(std::string target) {
    http::client_request r;
    r.target = std::move(target);
    r.headers.add("X-Api-Key", options_.key);
    auto a = co_await try_once(std::move(r));
    if (a.status != 200) co_return std::nullopt;
    co_return std::move(a.response.body);
}

}  // namespace bv::replay
