// Signing in and out: log-in, back-off, refresh tokens, passwords.
#include "domains/identity/identity_world.hpp"
#include "platform/runtime/scope.hpp"

namespace bv::identity::testing {
namespace {

using sessions = identity_world;

TEST_F(sessions, a_registered_person_logs_in_and_is_recognised) {
    const auto account = open_account("Ada@Example.org ");
    ASSERT_FALSE(account) << "an e-mail has no spaces";
    const auto opened = open_account("Ada@Example.org");
    ASSERT_TRUE(opened) << opened.error().message;
    EXPECT_EQ(opened->roles(0), "customer");
    const auto pair = log_in("  ada@EXAMPLE.org");
    ASSERT_TRUE(pair) << pair.error().message;
    EXPECT_EQ(pair->account_id(), opened->id());
    EXPECT_EQ(pair->expires_in(), 900);
    EXPECT_EQ(pair->token_type(), "Bearer");
    const auto who = as(pair->access_token()).caller;
    EXPECT_EQ(who.kind, rpc::caller_kind::user);
    EXPECT_EQ(who.id.str(), opened->id());
    EXPECT_TRUE(who.has_scope("orders.write"));
    EXPECT_FALSE(who.has_scope("accounts.admin"));
}

TEST_F(sessions, access_tokens_expire_after_a_quarter_of_an_hour) {
    ASSERT_TRUE(open_account("ada@example.org"));
    const auto token = log_in("ada@example.org")->access_token();
    clock_.advance(std::chrono::minutes(15));
    EXPECT_EQ(refusal(token), "") << "clocks may differ by half a minute";
    clock_.advance(seconds(30));
    EXPECT_EQ(refusal(token), "TOKEN_EXPIRED");
}

TEST_F(sessions, an_unknown_person_gets_the_answer_of_a_wrong_password) {
    ASSERT_TRUE(open_account("ada@example.org"));
    const auto wrong = log_in("ada@example.org", "not the password");
    const auto unknown = log_in("nobody@example.org", "not the password");
    ASSERT_FALSE(wrong);
    ASSERT_FALSE(unknown);
    EXPECT_EQ(wrong.error().code, code::unauthenticated);
    EXPECT_EQ(wrong.error().code, unknown.error().code);
    EXPECT_EQ(wrong.error().reason, unknown.error().reason);
    EXPECT_EQ(wrong.error().message, unknown.error().message);
}

TEST_F(sessions, guessing_is_slowed_down_for_known_and_unknown_people_alike) {
    ASSERT_TRUE(open_account("ada@example.org"));
    for (const std::string email : {"ada@example.org", "nobody@example.org"}) {
        for (int i = 0; i < 3; ++i) EXPECT_EQ(reason(log_in(email, "wrong password")), "INVALID_CREDENTIALS") << i;
        const auto blocked = log_in(email);
        ASSERT_EQ(reason(blocked), "TOO_MANY_ATTEMPTS") << "also with the right password";
        EXPECT_EQ(blocked.error().code, code::resource_exhausted);
        EXPECT_EQ(blocked.error().retry_after, milliseconds(1'000));
    }
    clock_.advance(seconds(1));
    EXPECT_EQ(reason(log_in("ada@example.org", "wrong password")), "INVALID_CREDENTIALS");
    EXPECT_EQ(log_in("ada@example.org").error().retry_after, milliseconds(2'000));
    clock_.advance(seconds(2));
    EXPECT_TRUE(log_in("ada@example.org"));
    for (int i = 0; i < 3; ++i) EXPECT_EQ(reason(log_in("ada@example.org", "wrong password")), "INVALID_CREDENTIALS") << "a log-in resets " << i;
}

TEST_F(sessions, an_address_that_guesses_at_many_people_is_slowed_down) {
    auto o = cheap();
    o.rules.per_address = {.free_attempts = 4, .first_delay = milliseconds(5'000), .max_delay = milliseconds(60'000), .forget = seconds(600)};
    service_ = make(log_, o);
    ASSERT_TRUE(open_account("ada@example.org"));
    for (int i = 0; i < 4; ++i) {
        EXPECT_EQ(reason(log_in("guess" + std::to_string(i) + "@example.org", "wrong password", "198.51.100.7")), "INVALID_CREDENTIALS");
        if (i == 1) EXPECT_TRUE(log_in("ada@example.org", password, "198.51.100.7")) << "one's own log-in does not start the count anew";
    }
    EXPECT_EQ(log_in("ada@example.org", password, "198.51.100.7").error().retry_after, milliseconds(5'000));
    EXPECT_TRUE(log_in("ada@example.org", password, "198.51.100.8"));
    for (int i = 0; i < 4; ++i) EXPECT_FALSE(log_in("six" + std::to_string(i) + "@example.org", "wrong password", "2001:db8::" + std::to_string(i + 1)));
    EXPECT_EQ(reason(log_in("ada@example.org", password, "2001:db8::99")), "TOO_MANY_ATTEMPTS") << "one customer's network";
}

TEST_F(sessions, many_guesses_at_once_count_like_many_in_a_row) {
    ASSERT_TRUE(open_account("ada@example.org"));
    auto client = api();
    scope guesses("guesses");
    std::vector<std::string> reasons(12);
    struct body {
        static task<void> guess(contract::identity_service* to, std::string* out) {
            auto ctx = anybody();
            contract::LogInRequest r;
            r.set_email("ada@example.org");
            r.set_password("wrong password");
            *out = reason(co_await to->log_in(ctx, r));
        }
        static task<void> join(scope* s) { co_await s->join(); }
    };
    for (auto& r : reasons) guesses.spawn(runtime_.context(0).get_executor(), body::guess(&client, &r));
    run(body::join(&guesses));
    EXPECT_EQ(std::ranges::count(reasons, "INVALID_CREDENTIALS"), 3);
    EXPECT_EQ(std::ranges::count(reasons, "TOO_MANY_ATTEMPTS"), 9);
}

TEST_F(sessions, a_refresh_token_is_traded_for_a_new_pair) {
    ASSERT_TRUE(open_account("ada@example.org"));
    const auto first = log_in("ada@example.org");
    clock_.advance(std::chrono::minutes(20));
    const auto second = refresh(first->refresh_token());
    ASSERT_TRUE(second) << second.error().message;
    EXPECT_NE(second->refresh_token(), first->refresh_token());
    EXPECT_EQ(refusal(second->access_token()), "");
    EXPECT_TRUE(refresh(second->refresh_token()));
}

TEST_F(sessions, a_refresh_token_used_twice_ends_its_session_and_no_other) {
    ASSERT_TRUE(open_account("ada@example.org"));
    const auto first = log_in("ada@example.org");
    const auto other = log_in("ada@example.org");
    const auto second = refresh(first->refresh_token());
    const auto third = refresh(second->refresh_token());
    EXPECT_EQ(reason(refresh(first->refresh_token())), "REFRESH_TOKEN_REUSED") << "also when it is long ago";
    EXPECT_EQ(reason(refresh(third->refresh_token())), "REFRESH_TOKEN_INVALID");
    EXPECT_EQ(refusal(third->access_token()), "TOKEN_REVOKED");
    EXPECT_EQ(refusal(first->access_token()), "TOKEN_REVOKED");
    EXPECT_EQ(refusal(other->access_token()), "");
    EXPECT_TRUE(refresh(other->refresh_token()));
    EXPECT_EQ(one<std::int64_t>("SELECT count(*) FROM identity.outbox WHERE type LIKE '%.SessionsEnded' AND key = (SELECT id::text FROM identity.accounts)"), 1);
}

TEST_F(sessions, refresh_tokens_expire_and_made_up_ones_are_refused) {
    ASSERT_TRUE(open_account("ada@example.org"));
    const auto pair = log_in("ada@example.org");
    for (const std::string& made_up : {std::string("x"), std::string("."), std::string("a.b"), "x" + pair->refresh_token(), std::string("'; DROP TABLE identity.sessions; --")})
        EXPECT_EQ(reason(refresh(made_up)), "REFRESH_TOKEN_INVALID") << made_up;
    clock_.advance(std::chrono::hours(30 * 24));
    EXPECT_EQ(reason(refresh(pair->refresh_token())), "REFRESH_TOKEN_INVALID");
}

TEST_F(sessions, logging_out_ends_exactly_that_session) {
    ASSERT_TRUE(open_account("ada@example.org"));
    const auto one_of = log_in("ada@example.org");
    const auto other = log_in("ada@example.org");
    contract::LogOutRequest r;
    r.set_refresh_token(one_of->refresh_token());
    auto ctx = anybody();
    EXPECT_TRUE(run(api().log_out(ctx, r)));
    EXPECT_TRUE(run(api().log_out(ctx, r))) << "twice is no error";
    EXPECT_EQ(refusal(one_of->access_token()), "TOKEN_REVOKED");
    EXPECT_EQ(reason(refresh(one_of->refresh_token())), "REFRESH_TOKEN_INVALID");
    EXPECT_EQ(refusal(other->access_token()), "");
    EXPECT_EQ(refusal(log_in("ada@example.org")->access_token()), "") << "a session of the same moment";
}

TEST_F(sessions, a_new_password_ends_all_sessions_but_its_own) {
    ASSERT_TRUE(open_account("ada@example.org"));
    const auto here = log_in("ada@example.org"), elsewhere = log_in("ada@example.org");
    auto ctx = as(here->access_token());
    contract::ChangePasswordRequest r;
    r.set_id("me");
    r.set_old_password("not the old one");
    r.set_new_password("another good one");
    EXPECT_EQ(reason(run(api().change_password(ctx, r))), "OLD_PASSWORD_WRONG");
    r.set_old_password(password);
    r.set_new_password("Password123");
    EXPECT_EQ(run(api().change_password(ctx, r)).error().violations.at(0).field, "new_password");
    r.set_new_password("another good one");
    const auto pair = run(api().change_password(ctx, r));
    ASSERT_TRUE(pair) << pair.error().message;
    EXPECT_EQ(refusal(here->access_token()), "TOKEN_REVOKED");
    EXPECT_EQ(refusal(elsewhere->access_token()), "TOKEN_REVOKED");
    EXPECT_EQ(refusal(pair->access_token()), "") << "issued in the same microsecond as the change";
    EXPECT_TRUE(refresh(pair->refresh_token()));
    EXPECT_EQ(reason(refresh(elsewhere->refresh_token())), "REFRESH_TOKEN_INVALID");
    EXPECT_EQ(reason(log_in("ada@example.org")), "INVALID_CREDENTIALS");
    EXPECT_TRUE(log_in("ada@example.org", "another good one"));
}

TEST_F(sessions, only_an_administrator_changes_the_password_of_another_and_gets_no_tokens_of_theirs) {
    const auto ada = open_account("ada@example.org");
    const auto eve = open_account("eve@example.org", "evening primrose");
    const auto ada_pair = log_in("ada@example.org");
    contract::ChangePasswordRequest r;
    r.set_id(ada->id());
    r.set_old_password("evening primrose");
    r.set_new_password("chosen by another");
    auto ctx = as(log_in("eve@example.org", "evening primrose")->access_token());
    EXPECT_EQ(reason(run(api().change_password(ctx, r))), "SCOPE_MISSING");
    ctx.caller.scopes = {"accounts.admin"};
    const auto changed = run(api().change_password(ctx, r));
    ASSERT_TRUE(changed) << changed.error().message;
    EXPECT_EQ(changed->access_token() + changed->refresh_token(), "");
    EXPECT_EQ(refusal(ada_pair->access_token()), "TOKEN_REVOKED");
    EXPECT_TRUE(log_in("ada@example.org", "chosen by another"));
    auto key = as_admin();
    EXPECT_EQ(reason(run(api().change_password(key, r))), "PERSON_NEEDED");
}

TEST_F(sessions, a_hash_of_another_cost_is_renewed_at_log_in) {
    ASSERT_TRUE(open_account("ada@example.org"));
    auto o = cheap();
    o.passwords.cost.passes = 2;
    service_ = make(log_, o);
    ASSERT_TRUE(log_in("ada@example.org"));
    EXPECT_EQ(one("SELECT substr(password_hash, 1, 27) FROM identity.accounts"), "$argon2id$v=19$m=64,t=2,p=1");
    EXPECT_TRUE(log_in("ada@example.org"));
}

TEST_F(sessions, what_is_long_over_is_deleted) {
    ASSERT_TRUE(open_account("ada@example.org"));
    ASSERT_TRUE(log_in("ada@example.org"));
    run(service_->maintain());
    EXPECT_EQ(one<std::int64_t>("SELECT count(*) FROM identity.sessions"), 1);
    clock_.advance(std::chrono::hours(61 * 24));
    run(service_->maintain());
    EXPECT_EQ(one<std::int64_t>("SELECT (SELECT count(*) FROM identity.sessions) + (SELECT count(*) FROM identity.login_throttle)"), 0);
}

}  // namespace
}  // namespace bv::identity::testing
