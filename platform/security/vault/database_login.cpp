#include "platform/security/vault/database_login.hpp"

#include <algorithm>
#include <mutex>
#include <utility>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "platform/runtime/scope.hpp"
#include "platform/security/vault/wait_for.hpp"
#include "platform/telemetry/log.hpp"
#include "platform/telemetry/metrics.hpp"

namespace bv::vault {

namespace json = boost::json;

namespace {

constexpr milliseconds look_every{200}, least_wait{20};
constexpr milliseconds first_pause{200}, longest_pause{3'000};  // between tries that fail
constexpr double whole = 0.9;                                   // a renewal that gives less of the life is one of the last

}  // namespace

struct database_login::impl : std::enable_shared_from_this<database_login::impl> {
    impl(client& c, clock& t, place f, std::string s) : vault(c), time(t), from(std::move(f)), service(std::move(s)) {}

    void observe();
    void count(std::string_view outcome) const;
    task<result<login>> acquire();
    task<void> keep_on(std::function<void(const login&)> use);
    task<bool> renew();
    // By the database: it was revoked there.
    [[nodiscard]] bool is_refused() const {
        const std::lock_guard hold(mutex);
        return refused_user == user;
    }
    [[nodiscard]] bool is_due() const { return time.steady_now() >= renew_at; }
    [[nodiscard]] bool must_be_taken_again() const {
        return lease_id.empty() || is_refused() || login_number != vault.login_number() || time.steady_now() >= until;
    }
    void hold_for(seconds life_now);
    void note_trouble(const error&);
    [[nodiscard]] bool is_failing() const {
        const std::lock_guard hold(mutex);
        return !stands.trouble.empty();
    }

    client& vault;
    clock& time;
    const place from;
    const std::string service;
    scope tasks{"database login"};
    bool keeps = false;

    // Before keep() by take(), then on the client's thread only.
    std::string lease_id;
    seconds life{};
    bool renewable = false;
    std::uint64_t login_number = 0;
    steady_point until{}, renew_at{};

    mutable std::mutex mutex;  // of what follows
    lease_standing stands;
    std::string user{}, refused_user{};
};

void database_login::impl::observe() {
    telemetry::observe(
        "bv_vault_lease_seconds", "Time until a database login from Vault ends unless it is renewed",
        [weak = weak_from_this()] {
            const auto self = weak.lock();
            if (!self) return 0.0;
            const std::lock_guard hold(self->mutex);
            return std::max(0.0, std::chrono::duration<double>(self->stands.until - self->time.now()).count());
        },
        {{"service", service}});
}

void database_login::impl::count(std::string_view outcome) const {
    telemetry::count("bv_vault_leases_total", "Database logins that Vault gave, renewed or did not", {{"service", service}, {"outcome", std::string(outcome)}}).add();
}

void database_login::impl::hold_for(seconds life_now) {
    const auto at = time.steady_now();
    until = at + life_now;
    renew_at = at + life_now / 2;
    const std::lock_guard hold(mutex);
    stands.until = time.now() + life_now;
    stands.trouble.clear();
}

void database_login::impl::note_trouble(const error& e) {
    count("failed");
    const std::lock_guard hold(mutex);
    if (stands.trouble.empty()) telemetry::warn("vault.login_not_renewed", {{"service", service}, {"reason", e.reason}, {"error", e.message}});
    stands.trouble = e.message;
}

task<result<login>> database_login::impl::acquire() {
    const auto number = vault.login_number();
    auto got = co_await vault.ask({http::verb::get, fmt::format("{}/creds/{}", from.mount, from.name), {}});
    if (got && (!got->found || text_at(got->body, "data/username").empty()))
        got = fail(code::failed_precondition, "VAULT_REFUSED", fmt::format("Vault's {}/creds/{} gives no login: the role must be set up, as infra/vault/configure does", from.mount, from.name));
    if (!got) {
        note_trouble(got.error());
        co_return std::unexpected(std::move(got.error()));
    }
    lease_id = text_at(got->body, "lease_id");
    life = seconds(std::max<std::int64_t>(1, number_at(got->body, "lease_duration")));
    const auto& again = field(got->body, "renewable");
    renewable = again.is_bool() && again.get_bool();
    // When the client had to log in anew to ask, the next look sees another number and takes it once more, which does no harm.
    login_number = number == 0 ? vault.login_number() : number;
    login out{text_at(got->body, "data/username"), text_at(got->body, "data/password")};
    {
        const std::lock_guard hold(mutex);
        user = out.user;
    }
    hold_for(life);
    count("taken");
    telemetry::info("vault.login_taken", {{"service", service}, {"lease_seconds", static_cast<std::int64_t>(life.count())}});
    co_return out;
}

// Whether the login goes on; false: another must be taken.
task<bool> database_login::impl::renew() {
    if (!renewable) co_return false;
    auto got = co_await vault.ask({http::verb::put, "sys/leases/renew", json::object{{"lease_id", lease_id}, {"increment", life.count()}}});
    if (!got && got.error().code == code::unavailable) {
        note_trouble(got.error());
        co_return true;
    }
    const seconds more(got ? number_at(got->body, "lease_duration") : 0);
    if (std::chrono::duration<double>(more) < whole * life) co_return false;
    hold_for(more);
    count("renewed");
    co_return true;
}

task<void> database_login::impl::keep_on(std::function<void(const login&)> use) {
    auto pause = first_pause;
    while (!tasks.stopping()) {
        const auto to_renewal = std::chrono::duration_cast<milliseconds>(renew_at - time.steady_now());
        co_await time.sleep_for(is_failing() ? pause : std::clamp(to_renewal, least_wait, look_every));
        const bool lost = must_be_taken_again();
        if (!lost && !is_due()) continue;
        if (!lost && co_await renew()) {
            pause = is_failing() ? std::min(pause * 2, longest_pause) : first_pause;
            continue;
        }
        auto next = co_await acquire();
        pause = next ? first_pause : std::min(pause * 2, longest_pause);
        if (next) use(*next);
    }
}

database_login::database_login(client& c, clock& t, place from, std::string service) : impl_(std::make_shared<impl>(c, t, std::move(from), std::move(service))) {
    impl_->observe();
}
database_login::~database_login() { stop(); }

login database_login::take() {
    auto first = wait_for(impl_->vault.own(), impl_->acquire());
    if (!first) throw failure(std::move(first.error()));
    return std::move(*first);
}

void database_login::keep(std::function<void(const login&)> use) {
    impl_->keeps = true;
    impl_->tasks.spawn(impl_->vault.own().context(0).get_executor(), impl_->keep_on(std::move(use)));
}

void database_login::stop() {
    if (!std::exchange(impl_->keeps, false)) return;
    impl_->tasks.stop();
    wait_for(impl_->vault.own(), impl_->tasks.join());
}

void database_login::refused(const std::string& user) {
    const std::lock_guard hold(impl_->mutex);
    impl_->refused_user = user;
}

lease_standing database_login::now() const {
    const std::lock_guard hold(impl_->mutex);
    return impl_->stands;
}

}  // namespace bv::vault
