#include "bench/load/load.hpp"

#include "platform/core/error.hpp"
#include "platform/runtime/runtime.hpp"
#include "platform/runtime/scope.hpp"

namespace bv::load {

namespace {

using std::chrono::nanoseconds;

struct state {
    const options& how;
    const request_maker& make;
    http::client client;
    clock& time = system_clock();
    steady_point begun{}, counted_from{}, end{};
    std::uint64_t next = 0;
    report out{};

    state(const options& o, const request_maker& m)
        : how(o), make(m), client({.host = o.host, .port = o.port, .max_connections_per_core = o.connections}) {}

    // In an open loop every arrival of the time is sent, however late: leaving out what waits would hide the wait.
    [[nodiscard]] bool over() const { return (how.rate == 0 && time.steady_now() >= end) || (how.most_requests > 0 && next >= how.most_requests); }
};

// Sleeps and sockets wake up to some tens of microseconds late; what is due is sent at once.
task<steady_point> next_arrival(state& s, std::uint64_t n) {
    const auto due = s.begun + nanoseconds(static_cast<std::int64_t>(static_cast<double>(n) * 1e9 / s.how.rate));
    if (due > s.time.steady_now()) co_await s.time.sleep_until(due);
    co_return due;
}

void count(state& s, steady_point due, int status, std::string body) {
    const auto now = s.time.steady_now();
    if (due < s.counted_from) return;
    if (status >= 200 && status < 300) {
        ++s.out.answered;
        s.out.latency.add(now - due);
        return;
    }
    if (s.out.others.empty()) s.out.first_problem = std::move(body);
    ++s.out.others[status];
}

task<void> exchange(state& s, std::uint64_t n, steady_point due) {
    http::client_response answer;
    try {
        answer = co_await s.client.send(s.make(n));
    } catch (const failure& f) {
        answer.body = f.what();
    }
    count(s, due, answer.status, std::move(answer.body));
}

task<void> connection(state& s) {
    while (!s.over()) {
        const auto n = s.next++;
        auto due = s.time.steady_now();
        if (s.how.rate > 0) due = co_await next_arrival(s, n);
        if (due >= s.end) break;
        co_await exchange(s, n, due);
        if (s.how.pause.count() > 0) co_await s.time.sleep_for(s.how.pause);
    }
}

task<void> all(state& s, runtime& threads) {
    s.begun = s.time.steady_now();
    s.counted_from = s.begun + s.how.warm_up;
    s.end = s.counted_from + s.how.duration;
    scope connections("load");
    for (int i = 0; i < s.how.connections; ++i) connections.spawn(threads.context(0).get_executor(), connection(s));
    co_await connections.join();
    s.out.seconds = std::chrono::duration<double>(s.time.steady_now() - s.counted_from).count();
    s.client.close();
}

}  // namespace

report run(const options& how, const request_maker& make) {
    runtime threads(1);
    threads.start();
    state s(how, make);
    threads.block_on(all(s, threads));
    threads.stop();
    threads.join();
    return std::move(s.out);
}

}  // namespace bv::load
