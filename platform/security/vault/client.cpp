#include "platform/security/vault/client.hpp"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json.hpp>
#include <fmt/format.h>

#include "platform/net/http/client.hpp"
#include "platform/runtime/scope.hpp"
#include "platform/security/digest.hpp"
#include "platform/security/vault/secret_id.hpp"
#include "platform/security/vault/wait_for.hpp"
#include "platform/telemetry/log.hpp"
#include "platform/telemetry/metrics.hpp"

namespace bv::vault {

namespace json = boost::json;

namespace {

constexpr milliseconds first_pause{250}, longest_pause{4'000};  // between looks at a server that is away
constexpr milliseconds known_to_be_away{400};                   // after a failure, calls fail without asking for so long
constexpr milliseconds least_wait{20};
constexpr seconds life_of_the_endless{3'600};                   // a token without an end is looked at again after so long

http::client_options http_options(const options& o, const server_address& at) {
    http::client_options out;
    out.host = at.host;
    out.port = at.port;
    out.tls = at.tls;
    out.ca_file = o.ca_file;
    out.max_connections_per_core = 8;
    out.connect_timeout = out.timeout = o.call_timeout;
    out.max_body_bytes = 1024 * 1024;
    return out;
}

server_address address_of(const options& o) {
    auto at = parse_address(o.address);
    if (!at) throw failure(std::move(at.error()));
    return std::move(*at);
}

std::string_view mend(std::string_view reason) {
    if (reason == "VAULT_SEALED") return "Unseal it: vault operator unseal";
    if (reason == "VAULT_UNINITIALIZED") return "Initialize it: vault operator init";
    if (reason == "VAULT_UNREACHABLE") return "Check vault.address and vault.ca_file, and that the server runs";
    if (reason == "VAULT_DENIED") return "Its policy must allow this: infra/vault/policy.hcl is the policy that the platform needs";
    if (reason == "VAULT_NO_ROUTE") return "Mount the engine there, or say in vault.* where it is: infra/vault/configure sets up all of them";
    return {};
}

error mended(error e) {
    if (const auto how = mend(e.reason); !how.empty()) e.message.append(". ").append(how);
    return e;
}

std::string_view outcome_of(const result<answer>& r) {
    if (r) return "ok";
    if (r.error().code == code::unavailable) return "unavailable";
    return r.error().code == code::permission_denied ? "denied" : "refused";
}

struct login_token {
    std::string text{};
    seconds life{};            // as it was at the log-in
    bool renewable = false;
    steady_point until{}, renew_at{};
};

}  // namespace

struct client::impl : std::enable_shared_from_this<client::impl> {
    impl(options given, clock& c) : o(std::move(given)), time(c), http(http_options(o, address_of(o))),
          secret_ids(o, [this](request r, std::string with) { return exchange(std::move(r), std::move(with)); }) {}

    void observe();
    task<result<answer>> ask(request);
    task<result<answer>> exchange(request, std::string token);
    task<result<void>> log_in(bool afresh);
    task<void> keep();
    task<void> look();
    task<void> renew();
    task<bool> is_dead(std::string token);
    void take(const json::value& auth, bool is_new);
    [[nodiscard]] milliseconds pause() const;
    [[nodiscard]] bool is_good() const { return !token.text.empty() && time.steady_now() < token.until; }

    [[nodiscard]] bool is_troubled() const {
        const std::lock_guard hold(mutex);
        return !stands.trouble.empty();
    }
    void note_trouble(const error&);
    void note_well();
    [[nodiscard]] std::optional<error> known_trouble() const;

    const options o;
    clock& time;
    runtime own{1};
    http::client http;  // ends before what it runs on
    scope tasks{"vault"};
    bool started = false;

    // On own's thread only.
    login_token token;
    secret_id_source secret_ids;
    bool logging_in = false;
    milliseconds away_pause = first_pause;

    std::atomic<std::uint64_t> logins{0};
    mutable std::mutex mutex;  // of what follows
    standing stands;
    std::optional<error> last_error;
    steady_point failed_at{};
};

void client::impl::observe() {
    const auto of = [weak = weak_from_this()](auto read) {
        return [weak, read] {
            const auto self = weak.lock();
            return self ? static_cast<double>(read(*self)) : 0.0;
        };
    };
    telemetry::observe("bv_vault_up", "Whether Vault serves this process", of([](const impl& i) {
        const std::lock_guard hold(i.mutex);
        return i.stands.trouble.empty() ? 1 : 0;
    }));
    telemetry::observe("bv_vault_token_seconds", "Time until the log-in at Vault ends unless it is renewed", of([](const impl& i) {
        const std::lock_guard hold(i.mutex);
        return std::max(0.0, std::chrono::duration<double>(i.stands.token_until - i.time.now()).count());
    }));
}

task<result<answer>> client::impl::exchange(request r, std::string with) {
    const auto what = fmt::format("Vault at {}: {} {}", o.address, http::name(r.verb), r.path.substr(0, r.path.find('?')));
    http::client_request h;
    h.verb = r.verb;
    h.target = "/v1/" + r.path;
    h.headers.add("X-Vault-Request", "true");
    if (!with.empty()) h.headers.add("X-Vault-Token", with);
    if (!r.body.is_null()) h.body = json::serialize(r.body);
    h.deadline = time.steady_now() + o.call_timeout;
    result<answer> out = answer{};
    try {
        auto got = co_await http.send(std::move(h));
        out = read_answer(got.status, got.body, what);
        security::wipe(got.body);
    } catch (const failure& f) {
        const bool is_ours = f.error().code == code::invalid_argument;  // a name that no path can have
        out = fail(is_ours ? code::failed_precondition : code::unavailable, is_ours ? "VAULT_REFUSED" : "VAULT_UNREACHABLE", fmt::format("{}: {}", what, f.error().message));
    }
    telemetry::count("bv_vault_calls_total", "Calls of Vault's API by how they ended", {{"outcome", std::string(outcome_of(out))}}).add();
    if (out) {
        note_well();
        co_return out;
    }
    out = std::unexpected(mended(std::move(out.error())));
    if (out.error().code == code::unavailable) note_trouble(out.error());
    co_return out;
}

task<result<answer>> client::impl::ask(request r) {
    if (auto known = known_trouble()) co_return std::unexpected(std::move(*known));
    for (bool again = false;; again = true) {
        if (auto in = co_await log_in(false); !in) co_return std::unexpected(std::move(in.error()));
        const auto used = token.text;
        auto got = co_await exchange(r, used);
        if (got || got.error().reason != "VAULT_DENIED" || again) co_return got;
        if (token.text == used && !co_await is_dead(used)) co_return got;
    }
}

// A policy that refuses and a token that has ended look the same, but for this.
task<bool> client::impl::is_dead(std::string used) {
    const auto looked = co_await exchange({http::verb::get, "auth/token/lookup-self", {}}, used);
    if (looked || looked.error().reason != "VAULT_DENIED") co_return false;
    if (token.text == used) token = {};
    telemetry::warn("vault.token_ended", {});
    co_return true;
}

task<result<void>> client::impl::log_in(bool afresh) {
    const auto before = logins.load();
    while (logging_in) co_await time.sleep_for(least_wait);
    if (is_good() && (!afresh || logins.load() != before)) co_return result<void>{};
    logging_in = true;
    const struct done {
        bool& flag;
        ~done() { flag = false; }
    } when_done{logging_in};
    auto secret_id = co_await secret_ids.get();
    if (!secret_id) {
        note_trouble(secret_id.error());
        co_return std::unexpected(std::move(secret_id.error()));
    }
    request r{http::verb::post, fmt::format("auth/{}/login", o.approle), json::object{{"role_id", o.role_id}, {"secret_id", *secret_id}}};
    security::wipe(*secret_id);
    auto got = co_await exchange(std::move(r), {});
    if (!got && got.error().code != code::unavailable) {
        auto e = got.error();
        if (e.reason != "VAULT_NO_ROUTE") {
            // It tells nobody without a token what is mounted.
            if (e.reason == "VAULT_DENIED") e.message += fmt::format("; it says so too when no AppRole is mounted at auth/{}: infra/vault/configure does that", o.approle);
            e.code = code::failed_precondition;
            e.reason = "VAULT_LOGIN_REFUSED";
            e.message = fmt::format("Vault at {} refuses the log-in ({}). Check vault.role_id, and that its secret id{} has not ended or been used up; a new one: vault write -f auth/{}/role/NAME/secret-id",
                                    o.address, e.message, o.secret_id_file.empty() ? "" : fmt::format(" in {}", o.secret_id_file.string()), o.approle);
        }
        note_trouble(e);
        co_return std::unexpected(std::move(e));
    }
    if (!got) co_return std::unexpected(std::move(got.error()));
    const auto& auth = field(got->body, "auth");
    if (text_at(auth, "client_token").empty()) {
        error e{code::unavailable, "VAULT_BAD_ANSWER", fmt::format("Vault at {} answered a log-in without a token: is it Vault that answers there?", o.address)};
        note_trouble(e);
        co_return std::unexpected(std::move(e));
    }
    take(auth, true);
    note_well();
    co_return result<void>{};
}

void client::impl::take(const json::value& auth, bool is_new) {
    const seconds given(number_at(auth, "lease_duration"));
    const auto life = given > seconds(0) ? given : life_of_the_endless;
    const auto at = time.steady_now();
    if (is_new) {
        security::wipe(token.text);
        token.text = text_at(auth, "client_token");
        token.life = life;
    }
    token.renewable = field(auth, "renewable").is_bool() && field(auth, "renewable").get_bool() && given > seconds(0);
    token.until = given > seconds(0) ? at + life : steady_point::max();
    token.renew_at = at + life / 2;
    if (is_new) {
        const auto number = logins.fetch_add(1) + 1;
        telemetry::count("bv_vault_logins_total", "Log-ins at Vault").add();
        telemetry::info("vault.logged_in", {{"number", static_cast<std::int64_t>(number)}, {"seconds", static_cast<std::int64_t>(life.count())}});
    }
    const std::lock_guard hold(mutex);
    stands.token_until = time.now() + life;
}

task<void> client::impl::renew() {
    if (!token.renewable) {
        (void)co_await log_in(true);
        co_return;
    }
    const auto used = token.text;
    auto got = co_await exchange({http::verb::post, "auth/token/renew-self", json::object{{"increment", fmt::format("{}s", token.life.count())}}}, used);
    if (!got && got.error().code == code::unavailable) co_return;  // it is tried again, and the token holds until it ends
    if (token.text != used) co_return;
    if (!got) {
        token = {};
        telemetry::warn("vault.token_ended", {});
        (void)co_await log_in(false);
        co_return;
    }
    take(field(got->body, "auth"), false);
    // Near its last end a renewal gives less and less: the next token is taken while this one, and what was leased under it, still holds.
    if (seconds(number_at(got->body, "auth/lease_duration")) <= token.life / 2) (void)co_await log_in(true);
}

task<void> client::impl::look() {
    if (!is_good()) {
        (void)co_await log_in(false);
    } else if (time.steady_now() >= token.renew_at) {
        co_await renew();
    } else if (is_troubled()) {
        // By a call that it has to write down: one whose audit log is full is well by its own word, and serves nobody.
        (void)co_await is_dead(token.text);
    } else {
        (void)co_await exchange({http::verb::get, "sys/health?standbyok=true&perfstandbyok=true", {}}, {});
    }
    const std::lock_guard hold(mutex);
    away_pause = stands.trouble.empty() ? first_pause : std::min(away_pause * 2, longest_pause);
}

milliseconds client::impl::pause() const {
    const std::lock_guard hold(mutex);
    if (!stands.trouble.empty()) return away_pause;
    const auto to_renewal = std::chrono::duration_cast<milliseconds>(token.renew_at - time.steady_now());
    return std::clamp(to_renewal, least_wait, std::max(o.probe_interval, least_wait));
}

task<void> client::impl::keep() {
    while (!tasks.stopping()) {
        co_await time.sleep_for(pause());
        co_await look();
    }
}

void client::impl::note_trouble(const error& e) {
    bool fresh = false;
    {
        const std::lock_guard hold(mutex);
        fresh = stands.trouble.empty();
        if (fresh) stands.since = time.now();
        stands.trouble = e.message;
        last_error = e;
        failed_at = time.steady_now();
    }
    if (fresh) telemetry::warn("vault.away", {{"reason", e.reason}, {"error", e.message}});
}

void client::impl::note_well() {
    bool was = false;
    {
        const std::lock_guard hold(mutex);
        // A server that is well again may refuse the log-in still.
        if (last_error && last_error->code != code::unavailable && !is_good()) return;
        was = !stands.trouble.empty();
        stands.trouble.clear();
        last_error.reset();
    }
    if (was) telemetry::info("vault.back", {});
}

std::optional<error> client::impl::known_trouble() const {
    const std::lock_guard hold(mutex);
    if (!last_error || time.steady_now() - failed_at > known_to_be_away) return std::nullopt;
    return last_error;
}

client::client(options o, clock& c) : impl_(std::make_shared<impl>(std::move(o), c)) { impl_->observe(); }
client::~client() { stop(); }

void client::start() {
    impl_->own.start();
    impl_->started = true;
    if (auto in = wait_for(impl_->own, impl_->log_in(false)); !in) throw failure(std::move(in.error()));
    impl_->tasks.spawn(impl_->own.context(0).get_executor(), impl_->keep());
}

void client::stop() noexcept {
    if (!std::exchange(impl_->started, false)) return;
    impl_->tasks.stop();
    try {
        wait_for(impl_->own, impl_->tasks.join());
    } catch (const std::exception& e) {
        telemetry::error("vault.stop_failed", {{"error", e.what()}});
    }
    impl_->own.stop();
    impl_->own.join();
}

task<result<answer>> client::ask(request r) {
    auto self = impl_;
    co_return co_await asio::co_spawn(self->own.context(0).get_executor(), self->ask(std::move(r)), asio::use_awaitable);
}

result<answer> client::call(request r) { return wait_for(impl_->own, impl_->ask(std::move(r))); }

standing client::now() const {
    const std::lock_guard hold(impl_->mutex);
    return impl_->stands;
}

std::uint64_t client::login_number() const noexcept { return impl_->logins.load(); }
runtime& client::own() noexcept { return impl_->own; }
const options& client::configured() const noexcept { return impl_->o; }

}  // namespace bv::vault
