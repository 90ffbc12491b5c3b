#include "app/load/driver.hpp"

#include <algorithm>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "app/load/load.hpp"
#include "app/replay/json_fields.hpp"
#include "platform/core/error.hpp"

namespace bv::load {

namespace {

constexpr std::int64_t most_slots = 240;

http::client_options pooled(http::client_options o, const scenario& s) {
    o.max_connections_per_core = s.most_under_way() + 1;
    return o;
}

std::string reason_of(const std::string& body) {
    boost::system::error_code ec;
    const auto v = boost::json::parse(body, ec);
    return ec ? std::string{} : replay::text_at(v, "reason");
}

bool is_placing(const call& c) { return c.verb == http::verb::post && c.target == "/v1/orders"; }

}  // namespace

driver::driver(const scenario& s, http::client_options where, std::string importer_key)
    : how(s), client(pooled(std::move(where), s)), shop(client, std::move(importer_key), random) {
    double sum = 0;
    for (const auto& c : s.calls) up_to_.push_back(sum += c.weight);
    const auto whole = std::chrono::ceil<seconds>(s.duration).count();
    out.how = s;
    out.slot_seconds = static_cast<double>(std::max<std::int64_t>(1, (whole + most_slots - 1) / most_slots));
    out.slots.resize(static_cast<std::size_t>(std::max(1.0, std::ceil(static_cast<double>(whole) / out.slot_seconds))));
}

bool driver::over() const { return ended_early || (how.rate == 0 && time.steady_now() >= end) || (how.most_arrivals > 0 && next >= how.most_arrivals); }

const call& driver::pick() {
    if (how.calls.size() == 1) return how.calls.front();
    const auto at = std::ranges::upper_bound(up_to_, random.uniform() * up_to_.back());
    return how.calls[std::min<std::size_t>(static_cast<std::size_t>(at - up_to_.begin()), how.calls.size() - 1)];
}

slot* driver::slot_at(steady_point t) {
    if (t < counted_from || t >= end) return nullptr;
    const auto n = static_cast<std::size_t>(std::chrono::duration<double>(t - counted_from).count() / out.slot_seconds);
    return n < out.slots.size() ? &out.slots[n] : nullptr;
}

task<http::client_response> driver::ask(std::string name, http::client_request r, steady_point due) {
    http::client_response answer;
    std::string no_answer;
    r.deadline = time.steady_now() + answer_timeout;
    ++under_way;
    try {
        answer = co_await client.send(std::move(r));
    } catch (const failure& f) {
        no_answer = f.error().reason;
        answer.body = f.what();
    }
    --under_way;
    note(name, due, answer, no_answer);
    co_return answer;
}

void driver::note(const std::string& name, steady_point due, const http::client_response& answer, const std::string& no_answer) {
    if (!is_counted(due)) return;
    const auto now = time.steady_now();
    auto& row = out.rows[name];
    auto* answered_in = slot_at(now);
    if (answer.status >= 200 && answer.status < 300) {
        ++row.answered;
        row.latency.add(now - due);
        if (answered_in) ++answered_in->answered, ++row.in_time;
        if (auto* s = slot_at(due)) s->latency.add(now - due);
        return;
    }
    if (answered_in) ++answered_in->failed;
    const auto what = answer.status == 0 ? "no answer: " + no_answer : fmt::format("{} {}", answer.status, reason_of(answer.body));
    if (row.errors.empty()) row.first_problem = answer.body;
    ++row.errors[what];
}

void driver::note_stretch(const std::string& name, steady_point from, const std::string& error) {
    if (!is_counted(from)) return;
    auto& row = out.rows[name];
    row.is_request = false;
    if (!error.empty()) {
        ++row.errors[error];
        return;
    }
    const auto now = time.steady_now();
    ++row.answered;
    if (now < end) ++row.in_time;
    row.latency.add(now - from);
}

void driver::note_not_sent(const std::string& name, steady_point due) {
    if (!is_counted(due)) return;
    ++out.rows[name].errors["not sent"];
    ++out.generator.not_sent;
}

task<void> driver::arrive(const call& c, std::uint64_t n, steady_point due) {
    if (c.is_journey) {
        co_await journey(*this, n, due);
        co_return;
    }
    const auto who = shop.any_shopper();
    const auto answer = co_await ask(c.name, shop.make(c, n, who), due);
    if (answer.status == 200 && is_placing(c)) shop.placed(who, answer.body);
}

}  // namespace bv::load
