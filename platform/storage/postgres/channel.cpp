#include "platform/storage/postgres/channel.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include <boost/asio/deferred.hpp>
#include <boost/asio/experimental/parallel_group.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>
#include <libpq-fe.h>

#include "platform/core/assert.hpp"
#include "platform/core/os_error.hpp"
#include "platform/telemetry/log.hpp"

namespace bv::pg {
namespace {

// A statement whose caller gave up is stopped by the server when it sees that the connection has gone, with its locks. A cancel request
// would stop it sooner; libpq sends one only by blocking a thread, for as long as a server that stands still does.
constexpr milliseconds check_client{500};
constexpr milliseconds server_grace{1'000};  // the server's own statement_timeout comes first, with a better message

// libpq reports a refused login only by its text.
bool is_refusal(std::string_view message) {
    for (const std::string_view sign : {"authentication failed", "does not exist", "no pg_hba.conf entry", "no password supplied",
                                        "permission denied for database", "is not permitted to log in", "not currently accepting", "permission denied to set role"}) {
        if (message.find("FATAL") != message.npos && message.find(sign) != message.npos) return true;
        if (sign == "no password supplied" && message.find(sign) != message.npos) return true;
    }
    return false;
}

std::vector<std::pair<std::string, std::string>> parse_conninfo(const options& o) {
    char* problem = nullptr;
    std::unique_ptr<PQconninfoOption, void (*)(PQconninfoOption*)> parsed(PQconninfoParse(o.conninfo.c_str(), &problem), PQconninfoFree);
    if (!parsed) {
        PQfreemem(problem);  // it may quote the password
        throw failure(code::invalid_argument, "DATABASE_CONNINFO",
                      fmt::format("the connection string of database {} cannot be read; write libpq keywords such as "
                                  "\"host=/run/postgresql dbname=orders user=bv_order password=…\"", o.name));
    }
    std::vector<std::pair<std::string, std::string>> out;
    std::string server_options;
    bool named = false;
    for (auto* p = parsed.get(); p->keyword != nullptr; ++p) {
        if (p->val == nullptr) continue;
        const std::string_view key = p->keyword;
        if (key == "options") {
            server_options = std::string(p->val) + " ";
            continue;
        }
        named = named || key == "application_name";
        out.emplace_back(key, p->val);
    }
    if (!named) out.emplace_back("application_name", "bitvelocity/" + o.name);
    server_options += fmt::format("-c statement_timeout={} -c idle_in_transaction_session_timeout={} -c client_connection_check_interval={}",
                                  o.statement_timeout.count(), o.idle_transaction_timeout.count(), check_client.count());
    if (o.by_index) server_options += " -c plan_cache_mode=force_generic_plan -c enable_seqscan=off -c enable_mergejoin=off -c enable_hashjoin=off -c jit=off";
    if (!o.assumed_role.empty()) server_options += " -c role=" + o.assumed_role;
    if (!o.search_path.empty()) server_options += " -c search_path=" + o.search_path;
    out.emplace_back("options", server_options);
    out.emplace_back("client_encoding", "UTF8");
    return out;
}

}  // namespace

client::client(pg::options o, bv::clock& c)
    : options(std::move(o)),
      clock(c),
      statements(telemetry::count("bv_pg_statements_total", "SQL statements run", {{"database", options.name}})),
      failures(telemetry::count("bv_pg_statement_errors_total", "SQL statements that the server refused", {{"database", options.name}})),
      statement_seconds(telemetry::time("bv_pg_statement_seconds", "Time from queueing a statement to its result", {{"database", options.name}})),
      words_(std::make_shared<const connect_words>(connect_words{parse_conninfo(options)})) {}

std::shared_ptr<const connect_words> client::words() const {
    const std::lock_guard hold(mutex_);
    return words_;
}

void client::log_in_as(login who) {
    std::vector<std::shared_ptr<std::function<void()>>> told;
    {
        const std::lock_guard hold(mutex_);
        auto next = *words_;
        ++next.generation;
        next.given_user = who.user;
        std::erase_if(next.words, [](const auto& w) { return w.first == "user" || w.first == "password"; });
        next.words.emplace_back("user", std::move(who.user));
        next.words.emplace_back("password", std::move(who.password));
        generation_.store(next.generation, std::memory_order_release);
        words_ = std::make_shared<const connect_words>(std::move(next));
        std::erase_if(told_, [](const auto& t) { return t.expired(); });
        for (const auto& t : told_)
            if (auto tell = t.lock()) told.push_back(std::move(tell));
    }
    for (const auto& tell : told) (*tell)();
}

void client::on_change(std::weak_ptr<std::function<void()>> tell) {
    const std::lock_guard hold(mutex_);
    std::erase_if(told_, [](const auto& t) { return t.expired(); });
    told_.push_back(std::move(tell));
}

steady_point client::statement_deadline(steady_point callers) const {
    if (options.statement_timeout == milliseconds::zero()) return callers;
    return std::min(callers, clock.steady_now() + options.statement_timeout + server_grace);
}

// The timer is armed rarely and looks at the deadline when it fires: most statements end long before and need no timer.
struct channel::deadline_watch : std::enable_shared_from_this<deadline_watch> {
    deadline_watch(channel& c, const asio::any_io_executor& e) : owner(&c), timer(e) {}

    void arm(steady_point at) {
        if (armed && expiry <= at) return;
        armed = true;
        expiry = at;
        const auto left = std::max(at - owner->client_->clock.steady_now(), std::chrono::nanoseconds::zero());
        timer.expires_after(std::chrono::ceil<milliseconds>(left));
        timer.async_wait([self = shared_from_this(), round = ++rounds](const boost::system::error_code&) { self->fired(round); });
    }
    void fired(std::uint64_t round) {
        if (owner == nullptr || round != rounds) return;
        armed = false;
        if (owner->deadline_ == steady_point::max()) return;
        if (owner->client_->clock.steady_now() < owner->deadline_) return arm(owner->deadline_);
        expired = true;
        owner->descriptor_.cancel();
    }

    channel* owner;
    asio::steady_timer timer;
    steady_point expiry{};
    std::uint64_t rounds = 0;
    bool armed = false, expired = false;
};

channel::channel(asio::any_io_executor e, std::shared_ptr<client> c)
    : executor_(std::move(e)), client_(std::move(c)), descriptor_(executor_), watch_(std::make_shared<deadline_watch>(*this, executor_)) {}

channel::~channel() {
    watch_->owner = nullptr;
    watch_->timer.cancel();
    boost::system::error_code ignored;
    descriptor_.close(ignored);
    if (connection_ != nullptr) PQfinish(connection_);
}

std::string last_message(const pg_conn* c) {
    std::string out;
    for (const char ch : std::string_view(PQerrorMessage(c))) out.push_back(ch == '\n' || ch == '\t' ? ' ' : ch);
    while (!out.empty() && out.back() == ' ') out.pop_back();
    return out;
}

void channel::attach_socket() {
    const int fd = ::fcntl(PQsocket(connection_), F_DUPFD_CLOEXEC, 0);
    if (fd < 0) throw connection_lost(fmt::format("database {}: no descriptor for a connection: {}", client_->options.name, os_error()));
    boost::system::error_code ignored;
    descriptor_.close(ignored);
    descriptor_.assign(fd);
}

task<void> channel::connect(steady_point deadline) {
    words_ = client_->words();
    std::vector<const char*> keys, values;
    for (const auto& [key, value] : words_->words) {
        keys.push_back(key.c_str());
        values.push_back(value.c_str());
    }
    keys.push_back(nullptr);
    values.push_back(nullptr);
    connection_ = PQconnectStartParams(keys.data(), values.data(), 0);
    BV_ASSERT(connection_ != nullptr);
    PQsetNoticeProcessor(connection_, [](void*, const char*) {}, nullptr);
    set_deadline(deadline);
    for (auto status = PGRES_POLLING_WRITING; status != PGRES_POLLING_OK; status = PQconnectPoll(connection_)) {
        if (status == PGRES_POLLING_FAILED || PQstatus(connection_) == CONNECTION_BAD) {
            broken_ = true;
            const std::string message = fmt::format("database {}: {}", client_->options.name, last_message(connection_));
            if (is_refusal(message)) {
                if (!words_->given_user.empty() && client_->options.on_refused) client_->options.on_refused(words_->given_user);
                throw login_refused(message);
            }
            throw connection_lost(message);
        }
        attach_socket();  // libpq may have gone on to another address
        try {
            co_await wait_for(status == PGRES_POLLING_WRITING);
        } catch (const failure&) {  // nothing was asked yet: the server is away, whoever's time is over
            throw connection_lost(fmt::format("database {} did not answer in time", client_->options.name));
        }
    }
    clear_deadline();
    attach_socket();
    PQsetnonblocking(connection_, 1);
}

void channel::set_deadline(steady_point at) {
    watch_->expired = false;
    deadline_ = at;
    if (at != steady_point::max()) watch_->arm(at);
}

void channel::check_wait(const boost::system::error_code& ec) {
    if (!ec) return;
    broken_ = true;
    if (was_ended_) lost();
    if (watch_->expired) {
        throw failure(code::deadline_exceeded, "DEADLINE_EXCEEDED", fmt::format("database {} did not answer in time", client_->options.name));
    }
    throw boost::system::system_error(ec);  // cancelled
}

// The alarm went off between two waits, when there was none to end.
bool channel::is_overdue() const noexcept { return watch_->expired && deadline_ != steady_point::max(); }

task<void> channel::wait_for(bool write) {
    boost::system::error_code ec;
    if (is_overdue()) check_wait(asio::error::operation_aborted);
    co_await descriptor_.async_wait(write ? asio::posix::descriptor_base::wait_write : asio::posix::descriptor_base::wait_read,
                                    asio::redirect_error(asio::use_awaitable, ec));
    check_wait(ec);
}

task<void> channel::wait_for_either() {
    if (is_overdue()) check_wait(asio::error::operation_aborted);
    auto [order, read_ec, write_ec] =
        co_await asio::experimental::make_parallel_group(descriptor_.async_wait(asio::posix::descriptor_base::wait_read, asio::deferred),
                                                         descriptor_.async_wait(asio::posix::descriptor_base::wait_write, asio::deferred))
            .async_wait(asio::experimental::wait_for_one(), asio::use_awaitable);
    check_wait(order[0] == 0 ? read_ec : write_ec);
}

task<void> channel::flush() {
    // While the server does not take more it may itself wait for us to read.
    for (int left; (left = PQflush(connection_)) != 0;) {
        if (left < 0) lost();
        co_await wait_for_either();
        if (PQconsumeInput(connection_) == 0) lost();
    }
}

task<void> channel::result_ready() {
    co_await flush();
    while (PQisBusy(connection_) != 0) co_await readable();
}

task<void> channel::readable() {
    co_await wait_for(false);
    if (PQconsumeInput(connection_) == 0) lost();
}

bool channel::usable() const noexcept { return !broken_ && connection_ != nullptr && PQstatus(connection_) == CONNECTION_OK; }

bool channel::quiet() const noexcept {
    char c;
    return usable() && ::recv(PQsocket(connection_), &c, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

void channel::end_wait() {
    was_ended_ = true;
    descriptor_.cancel();
}

void channel::lost() {
    broken_ = true;
    throw connection_lost(fmt::format("database {}: the connection was lost: {}", client_->options.name, last_message(connection_)));
}

}  // namespace bv::pg
