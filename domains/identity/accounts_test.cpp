// Accounts: who sees and changes them, roles, imports, and where personal data is.
#include <boost/asio/this_coro.hpp>

#include "domains/identity/identity_world.hpp"
#include "platform/runtime/scope.hpp"
#include "platform/runtime/waiter.hpp"

namespace bv::identity::testing {
namespace {

using accounts = identity_world;

TEST_F(accounts, an_email_opens_one_account) {
    ASSERT_TRUE(open_account("ada@example.org"));
    const auto again = open_account("ADA@example.org", "quite another one");
    EXPECT_EQ(reason(again), "EMAIL_TAKEN");
    EXPECT_EQ(again.error().code, code::already_exists);
    EXPECT_TRUE(log_in("ada@example.org")) << "the first password stands";
}

TEST_F(accounts, weak_passwords_are_refused_by_name_of_the_field) {
    for (const auto* weak : {"short", "password123", "ada@example.org"}) {
        const auto refused = open_account("ada@example.org", weak);
        ASSERT_FALSE(refused) << weak;
        EXPECT_EQ(refused.error().code, code::invalid_argument);
        EXPECT_EQ(refused.error().violations.at(0).field, "password") << weak;
    }
}

TEST_F(accounts, people_see_themselves_and_administrators_everybody) {
    const auto ada = open_account("ada@example.org"), eve = open_account("eve@example.org");
    const auto ctx = as(log_in("ada@example.org")->access_token());
    const auto me = get(ctx, "me");
    ASSERT_TRUE(me) << me.error().message;
    EXPECT_EQ(me->id(), ada->id());
    EXPECT_EQ(me->email(), "ada@example.org");
    EXPECT_EQ(me->display_name(), "Ada Lovelace");
    EXPECT_TRUE(get(ctx, ada->id()));
    const auto other = get(ctx, eve->id()), nobody = get(ctx, uuid::named("nobody").str());
    EXPECT_EQ(reason(other), "SCOPE_MISSING");
    EXPECT_EQ(other.error().message, nobody.error().message) << "tells nothing of who there is";
    EXPECT_EQ(reason(get(ctx, "you")), "INVALID_ARGUMENT");
    EXPECT_TRUE(get(as_admin(), eve->id()));
    EXPECT_EQ(reason(get(as_admin(), uuid::named("nobody").str())), "ACCOUNT_NOT_FOUND");
    EXPECT_EQ(reason(get(as_admin(), "me")), "NOT_AN_ACCOUNT");
    EXPECT_EQ(reason(get(anybody(), "me")), "CREDENTIALS_REQUIRED");
}

TEST_F(accounts, row_level_security_hides_others_even_from_a_wrong_query) {
    const auto ada = open_account("ada@example.org");
    ASSERT_TRUE(open_account("eve@example.org"));
    const auto seen = run(db_.query_as({"user:" + ada->id(), uuid::parse(ada->id()), false, ""}, {"test.all_accounts", "SELECT id FROM identity.accounts"}));
    ASSERT_EQ(seen.size(), 1);
    EXPECT_EQ(seen.front().get<uuid>(0).str(), ada->id());
    EXPECT_EQ(run(db_.query({"test.no_accounts", "SELECT id FROM identity.accounts"})).size(), 0);
}

TEST_F(accounts, a_change_needs_the_current_etag_where_one_is_given) {
    const auto ada = open_account("ada@example.org");
    auto ctx = as(log_in("ada@example.org")->access_token());
    contract::UpdateAccountRequest r;
    r.mutable_account()->set_id("me");
    r.mutable_account()->set_display_name("Countess");
    r.mutable_update_mask()->add_paths("display_name");
    ctx.if_match = "7";
    EXPECT_EQ(reason(run(api().update_account(ctx, r))), "ETAG_MISMATCH");
    ctx.if_match = ada->etag();
    const auto changed = run(api().update_account(ctx, r));
    ASSERT_TRUE(changed) << changed.error().message;
    EXPECT_EQ(changed->display_name(), "Countess");
    EXPECT_EQ(changed->etag(), "2");
    EXPECT_EQ(ctx.etag, "2");
    EXPECT_EQ(reason(run(api().update_account(ctx, r))), "ETAG_MISMATCH");
    r.clear_update_mask();
    r.mutable_account()->clear_display_name();
    EXPECT_EQ(reason(run(api().update_account(ctx, r))), "ETAG_MISMATCH") << "also of a change of nothing";
    ctx.if_match.clear();
    EXPECT_EQ(run(api().update_account(ctx, r))->etag(), "2");
    r.mutable_update_mask()->add_paths("*");
    EXPECT_EQ(run(api().update_account(ctx, r))->display_name(), "");
    r.mutable_update_mask()->set_paths(0, "roles");
    EXPECT_EQ(run(api().update_account(ctx, r)).error().violations.at(0).field, "updateMask");
}

TEST_F(accounts, are_listed_page_by_page) {
    for (int i = 0; i < 5; ++i) {
        ASSERT_TRUE(open_account("p" + std::to_string(i) + "@example.org"));
        clock_.advance(milliseconds(1));
    }
    contract::ListAccountsRequest r;
    r.set_page_size(2);
    auto ctx = as_admin();
    std::vector<std::string> emails;
    for (int pages = 0; pages < 3; ++pages) {
        const auto page = run(api().list_accounts(ctx, r));
        ASSERT_TRUE(page) << page.error().message;
        for (const auto& a : page->accounts()) emails.push_back(a.email());
        r.set_page_token(page->next_page_token());
    }
    EXPECT_EQ(r.page_token(), "");
    EXPECT_EQ(emails, (std::vector<std::string>{"p0@example.org", "p1@example.org", "p2@example.org", "p3@example.org", "p4@example.org"}));
    r.set_page_token("nonsense");
    EXPECT_FALSE(run(api().list_accounts(ctx, r)));
    auto customer = as(log_in("p0@example.org")->access_token());
    EXPECT_EQ(reason(run(api().list_accounts(customer, {}))), "SCOPE_MISSING");
}

TEST_F(accounts, roles_take_effect_at_once) {
    const auto ada = open_account("ada@example.org");
    const auto before = log_in("ada@example.org");
    auto admin = as_admin();
    contract::SetRolesRequest r;
    r.set_id(ada->id());
    r.add_roles("support");
    r.add_roles("emperor");
    const auto refused = run(api().set_roles(admin, r));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().violations.at(0).field, "roles[1]");
    EXPECT_NE(refused.error().violations.at(0).description.find("\"emperor\""), std::string::npos);
    r.set_roles(1, "customer");
    clock_.advance(microseconds(1));
    const auto changed = run(api().set_roles(admin, r));
    ASSERT_TRUE(changed) << changed.error().message;
    EXPECT_EQ(changed->roles_size(), 2);
    EXPECT_EQ(refusal(before->access_token()), "TOKEN_REVOKED") << "it carries the old roles";
    clock_.advance(microseconds(1));
    const auto after = refresh(before->refresh_token());
    ASSERT_TRUE(after) << "the session goes on: " << after.error().message;
    EXPECT_TRUE(as(after->access_token()).caller.has_scope("payments.refund")) << "issued in the same second as the change";
    auto customer = as(after->access_token());
    EXPECT_EQ(reason(run(api().set_roles(customer, r))), "SCOPE_MISSING");
    EXPECT_EQ(one<std::int64_t>("SELECT count(*) FROM identity.outbox WHERE type LIKE '%.AccountRolesChanged'"), 1);
}

// Of two who wait for an account the one who signs in may be first: what it is given has the roles of before.
TEST_F(accounts, roles_take_effect_also_on_who_signs_in_while_they_change) {
    const auto ada = open_account("ada@example.org");
    ASSERT_TRUE(ada);
    const auto before = log_in("ada@example.org");
    struct scene {
        identity_world* world;
        contract::identity_service* api;
        std::string id, refresh_token;
        std::shared_ptr<waiter> held = waiter::make(), release = waiter::make();
        result<contract::TokenPair> entered{}, refreshed{};
        bool changed = false;

        static task<void> keep_out(scene* s, pg::database* db, pg::statement lock) { co_await db->run({}, [s, lock](storage::unit_of_work& uow) { return hold(s, uow, lock); }); }
        static task<void> hold(scene* s, storage::unit_of_work& uow, pg::statement lock) {
            co_await pg::of(uow).query(lock);
            s->held->wake();
            co_await s->release->wait();
        }
        static task<void> enter(scene* s) {
            contract::LogInRequest r;
            r.set_email("ada@example.org");
            r.set_password(password);
            auto ctx = anybody();
            s->entered = co_await s->api->log_in(ctx, r);
        }
        static task<void> refresh(scene* s) {
            contract::RefreshSessionRequest r;
            r.set_refresh_token(s->refresh_token);
            auto ctx = anybody();
            s->refreshed = co_await s->api->refresh_session(ctx, r);
        }
        static task<void> change(scene* s) {
            contract::SetRolesRequest r;
            r.set_id(s->id);
            r.add_roles("auditor");
            auto ctx = as_admin();
            s->changed = (co_await s->api->set_roles(ctx, r)).has_value();
        }
        static task<void> until_waiting(pg::database* db, pg::statement waiting, std::int64_t n) {
            while ((co_await db->query(waiting)).front().get<std::int64_t>(0) < n) co_await system_clock().sleep_for(milliseconds(2));
        }
        static task<void> play(scene* s, scope* tasks, pg::database* db, fake_clock* clock, pg::statement lock, pg::statement waiting) {
            const auto here = co_await asio::this_coro::executor;
            tasks->spawn(here, keep_out(s, db, lock));
            co_await s->held->wait();
            tasks->spawn(here, enter(s));
            co_await until_waiting(db, waiting, 1);
            tasks->spawn(here, refresh(s));
            co_await until_waiting(db, waiting, 2);
            tasks->spawn(here, change(s));
            co_await until_waiting(db, waiting, 3);
            clock->advance(seconds(1));
            s->release->wake();
            co_await tasks->join();
        }
    };
    auto client = api();
    scene s{this, &client, ada->id(), before->refresh_token()};
    scope tasks("scene");
    run(scene::play(&s, &tasks, &admin_, &clock_, keep("SELECT 1 FROM identity.accounts FOR UPDATE"),
                    keep("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")));
    ASSERT_TRUE(s.changed);
    ASSERT_TRUE(s.entered) << s.entered.error().message;
    ASSERT_TRUE(s.refreshed) << s.refreshed.error().message;
    for (const auto& pair : {*s.entered, *s.refreshed}) EXPECT_EQ(refusal(pair.access_token()), "TOKEN_REVOKED");
}

TEST_F(accounts, imports_are_idempotent_and_keep_the_order_asked_for) {
    contract::BatchImportAccountsRequest r;
    for (const auto* reference : {"uci:3", "uci:1", "uci:2", "uci:1"}) {
        auto* a = r.add_accounts();
        a->set_external_reference(reference);
        a->set_country("United Kingdom");
    }
    auto ctx = anybody();
    ctx.caller.kind = rpc::caller_kind::api_key;
    ctx.caller.scopes = {"accounts.import"};
    const auto first = run(api().batch_import_accounts(ctx, r));
    ASSERT_TRUE(first) << first.error().message;
    EXPECT_EQ(first->created(), 3);
    ASSERT_EQ(first->ids_size(), 4);
    EXPECT_EQ(first->ids(1), first->ids(3));
    r.add_accounts()->set_external_reference("uci:4");
    const auto second = run(api().batch_import_accounts(ctx, r));
    EXPECT_EQ(second->created(), 1);
    for (int i = 0; i < 4; ++i) EXPECT_EQ(second->ids(i), first->ids(i));
    EXPECT_EQ(one<std::int64_t>("SELECT count(*) FROM identity.outbox WHERE type LIKE '%.AccountRegistered'"), 4);
    const auto read = get(as_admin(), first->ids(0));
    ASSERT_TRUE(read);
    EXPECT_EQ(read->email(), "");
    ctx.caller.scopes = {"orders.write"};
    EXPECT_EQ(reason(run(api().batch_import_accounts(ctx, r))), "SCOPE_MISSING");
}

TEST_F(accounts, contacts_are_for_services_only) {
    const auto ada = open_account("ada@example.org");
    contract::BatchGetContactsRequest r;
    r.add_account_ids(ada->id());
    r.add_account_ids(uuid::named("nobody").str());
    auto notification = rpc::context::for_service("notification");
    const auto found = run(api().batch_get_contacts(notification, r));
    ASSERT_TRUE(found) << found.error().message;
    ASSERT_EQ(found->contacts_size(), 1);
    EXPECT_EQ(found->contacts(0).email(), "ada@example.org");
    auto admin = as_admin();
    EXPECT_EQ(run(api().batch_get_contacts(admin, r)).error().code, code::permission_denied);
    admin.caller.scopes.push_back("platform.internal");
    EXPECT_EQ(run(api().batch_get_contacts(admin, r)).error().code, code::permission_denied) << "whatever scope it claims";
}

TEST_F(accounts, personal_data_is_stored_encrypted_and_nowhere_else) {
    const auto ada = open_account("ada@example.org");
    const auto pair = log_in("ada@example.org");
    EXPECT_FALSE(log_in("ada@example.org", "wrong password"));
    auto ctx = as(pair->access_token());
    contract::UpdateAccountRequest r;
    r.mutable_account()->set_id("me");
    r.mutable_account()->set_display_name("Countess Lovelace");
    r.mutable_update_mask()->add_paths("display_name");
    ASSERT_TRUE(run(api().update_account(ctx, r)));
    ASSERT_GT(one<std::int64_t>("SELECT count(*) FROM audit.entries WHERE table_name = 'identity.accounts'"), 1);
    // Every row of every table as text, bytea in hexadecimal and as it is.
    for (const std::string table : {"identity.accounts", "identity.sessions", "identity.login_throttle", "identity.outbox", "audit.entries"}) {
        for (const std::string secret : {"ada@example", "Lovelace", "192.0.2.1", password, "argon2id"}) {
            if (table == "identity.accounts" && secret == "argon2id") continue;
            const auto hits = one<std::int64_t>("SELECT count(*) FROM " + table + " t WHERE t::text ILIKE '%" + secret +
                                                "%' OR t::text ILIKE '%' || encode(convert_to('" + secret + "', 'UTF8'), 'hex') || '%'");
            EXPECT_EQ(hits, 0) << table << " " << secret;
        }
    }
    EXPECT_EQ(one<std::int64_t>("SELECT count(*) FROM identity.accounts WHERE octet_length(email) > 15 AND octet_length(email_index) = 32"), 1);
    for (const auto& token : {pair->refresh_token().substr(0, 43), pair->refresh_token().substr(44)})
        EXPECT_EQ(one<std::int64_t>("SELECT count(*) FROM audit.entries t WHERE t::text LIKE '%" + token + "%'"), 0);
    EXPECT_EQ(one<std::int64_t>("SELECT count(*) FROM audit.entries e, identity.sessions s WHERE e::text LIKE '%' || encode(s.token_hash, 'hex') || '%'"), 0) << "redacted";
}

TEST_F(accounts, a_value_moved_to_another_row_is_refused) {
    const auto ada = open_account("ada@example.org"), eve = open_account("eve@example.org");
    one<std::int64_t>("WITH moved AS (UPDATE identity.accounts a SET email = b.email FROM identity.accounts b WHERE a.id <> b.id RETURNING 1) SELECT count(*) FROM moved");
    try {
        (void)get(as_admin(), eve->id());
        FAIL() << "it was read";
    } catch (const failure& f) {
        EXPECT_EQ(f.error().reason, "FIELD_UNREADABLE");
    }
}

}  // namespace
}  // namespace bv::identity::testing
