// Logins that change while calls run: database::log_in_as.
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <fmt/format.h>

#include "platform/runtime/scope.hpp"
#include "platform/storage/postgres/scratch.hpp"

namespace bv::pg {
namespace {

using namespace scratch;
using namespace asio::experimental::awaitable_operators;

constexpr statement who{"login.who", "SELECT session_user::text, current_user::text, current_setting('search_path')"};
constexpr statement sessions_of{"login.sessions", "SELECT count(*) FROM pg_stat_activity WHERE usename = $1::text"};

struct seen {
    std::string session, acting, path;
};

seen read(const rows& r) { return {r.front().get<std::string>(0), r.front().get<std::string>(1), r.front().get<std::string>(2)}; }

// A role that owns what the service has, and two logins that may become it and nothing else.
task<void> make_logins(database& admin) {
    for (const char* user : {"lent_one", "lent_two"}) co_await sql(admin, fmt::format("DROP ROLE IF EXISTS {}", user));
    co_await sql(admin, "DROP TABLE IF EXISTS lent_things; DROP ROLE IF EXISTS bv_lender; CREATE ROLE bv_lender; CREATE TABLE lent_things (x int); ALTER TABLE lent_things OWNER TO bv_lender");
    for (const char* user : {"lent_one", "lent_two"}) co_await sql(admin, fmt::format("CREATE ROLE {0} LOGIN NOINHERIT PASSWORD 'of {0}' IN ROLE bv_lender", user));
}

login of_user(const std::string& user) { return {user, "of " + user}; }

options lent(std::function<void(const std::string&)> on_refused = {}, int connections = 2) {
    auto o = shared().admin_options();
    o.name = "lent";
    o.max_connections_per_core = connections;
    o.assumed_role = "bv_lender";
    o.search_path = "public,pg_catalog";
    o.on_refused = std::move(on_refused);
    return o;
}

task<std::int64_t> sessions(database& admin, std::string user) { co_return (co_await admin.query(sessions_of, params(user))).front().get<std::int64_t>(0); }

task<void> until_none(database& admin, std::string user) {
    while (co_await sessions(admin, user) != 0) co_await system_clock().sleep_for(milliseconds(2));
}

task<void> acts_as_the_role(database& admin) {
    co_await make_logins(admin);
    database db(lent(), system_clock());
    db.log_in_as(of_user("lent_one"));
    const auto found = read(co_await db.query(who));
    EXPECT_EQ(found.session, "lent_one");
    EXPECT_EQ(found.acting, "bv_lender");
    EXPECT_EQ(found.path, "public,pg_catalog");
    co_await sql(db, "INSERT INTO lent_things VALUES (1)");
    co_await db.close();
    // By itself it may do nothing.
    auto alone = lent();
    alone.assumed_role.clear();
    database bare(alone, system_clock());
    bare.log_in_as(of_user("lent_one"));
    const auto e = co_await failure_of(sql(bare, "INSERT INTO lent_things VALUES (2)"));
    EXPECT_NE(e.message.find("permission denied"), std::string::npos) << e.message;
    co_await bare.close();
}
TEST(login, a_connection_assumes_the_role_and_is_nothing_by_itself) { with_database(acts_as_the_role); }

task<void> hold(storage::unit_of_work& uow, meeting* held, meeting* let_go, seen* after) {
    co_await of(uow).query(who);
    co_await held->arrive();
    co_await let_go->arrive();
    *after = read(co_await of(uow).query(who));
}

task<void> change(database& db, database& admin, meeting* held, meeting* let_go) {
    co_await held->arrive();
    db.log_in_as(of_user("lent_two"));
    EXPECT_EQ(read(co_await db.query(who)).session, "lent_two");
    EXPECT_EQ(co_await sessions(admin, "lent_one"), 1);  // the one that is at work
    co_await let_go->arrive();
}

task<void> a_call_in_hand_goes_on(database& admin) {
    co_await make_logins(admin);
    database db(lent(), system_clock());
    db.log_in_as(of_user("lent_one"));
    meeting held(co_await asio::this_coro::executor, 2), let_go(co_await asio::this_coro::executor, 2);
    seen after;
    co_await (db.run({}, [&](storage::unit_of_work& uow) { return hold(uow, &held, &let_go, &after); }) && change(db, admin, &held, &let_go));
    EXPECT_EQ(after.session, "lent_one");
    co_await until_none(admin, "lent_one");
    EXPECT_EQ(read(co_await db.query(who)).session, "lent_two");
    co_await sql(admin, "DROP ROLE lent_one");  // it owns nothing
    co_await db.close();
}
TEST(login, a_call_in_hand_ends_under_the_old_login_and_the_next_begins_under_the_new) { with_database(a_call_in_hand_goes_on); }

task<void> idle_ones_are_closed(database& admin) {
    co_await make_logins(admin);
    database db(lent(), system_clock());
    db.log_in_as(of_user("lent_one"));
    co_await db.query(who);
    EXPECT_EQ(co_await sessions(admin, "lent_one"), 1);
    db.log_in_as(of_user("lent_two"));
    co_await until_none(admin, "lent_one");  // without another call
    EXPECT_EQ(db.stats().open, 0);
    co_await db.close();
}
TEST(login, idle_connections_of_the_old_login_are_closed_at_once) { with_database(idle_ones_are_closed); }

task<void> refused_and_followed(database& admin) {
    co_await make_logins(admin);
    database* known = nullptr;
    std::vector<std::string> refused;
    database db(lent([&](const std::string& user) {
                    refused.push_back(user);
                    if (refused.size() == 2) known->log_in_as(of_user("lent_two"));  // it took a while
                }),
                system_clock());
    known = &db;
    db.log_in_as({"lent_one", "a password of yesterday"});
    EXPECT_EQ(read(co_await db.query(who)).session, "lent_two");
    EXPECT_EQ(refused, (std::vector<std::string>{"lent_one", "lent_one"}));
    co_await db.close();
}
TEST(login, a_call_waits_for_the_login_that_follows_a_refused_one) { with_database(refused_and_followed); }

task<void> away_until_another_follows(database& admin) {
    co_await make_logins(admin);
    auto o = lent([](const std::string&) {});
    o.acquire_timeout = milliseconds(200);
    database db(o, system_clock());
    db.log_in_as({"lent_one", "a password of yesterday"});
    const auto e = co_await failure_of(ignore(db.query(who)));
    EXPECT_EQ(e.code, code::unavailable);  // who asks again may be served
    EXPECT_EQ(e.reason, "DATABASE_UNAVAILABLE");
    db.log_in_as(of_user("lent_two"));
    EXPECT_EQ(read(co_await db.query(who)).session, "lent_two");
    co_await db.close();
}
TEST(login, that_was_lent_and_ended_makes_the_database_away_until_another_follows) { with_database(away_until_another_follows); }

task<void> a_login_that_stays_is_refused_at_once(database& admin) {
    co_await make_logins(admin);
    auto o = lent();
    o.conninfo += " user=lent_one password=wrong";
    database db(o, system_clock());
    const auto e = co_await failure_of(ignore(db.query(who)));
    EXPECT_EQ(e.reason, "DATABASE_LOGIN_REFUSED");
    co_await db.close();
}
TEST(login, where_none_follows_a_refusal_is_told_at_once) { with_database(a_login_that_stays_is_refused_at_once); }

task<void> a_listener_changes_too(database& admin) {
    co_await make_logins(admin);
    database db(lent(), system_clock());
    db.log_in_as(of_user("lent_one"));
    int looks = 0;
    std::vector<std::string> heard;
    scope tasks("listening");
    tasks.spawn(co_await asio::this_coro::executor, db.listen({"lent"}, [&](std::string_view, std::string_view payload) {
        if (payload.empty())
            ++looks;
        else
            heard.emplace_back(payload);
    }));
    while (looks < 1) co_await system_clock().sleep_for(milliseconds(1));
    db.log_in_as(of_user("lent_two"));
    while (looks < 2) co_await system_clock().sleep_for(milliseconds(1));
    EXPECT_EQ(co_await sessions(admin, "lent_two"), 1);
    co_await until_none(admin, "lent_one");
    co_await sql(admin, "NOTIFY lent, 'under the new one'");
    while (heard.empty()) co_await system_clock().sleep_for(milliseconds(1));
    EXPECT_EQ(heard.front(), "under the new one");
    tasks.stop();
    co_await tasks.join();
    co_await db.close();
}
TEST(login, a_listener_connects_anew_and_looks_again) { with_database(a_listener_changes_too); }

}  // namespace
}  // namespace bv::pg
