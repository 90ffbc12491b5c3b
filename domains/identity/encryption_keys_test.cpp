// The keys that encrypt e-mails and names: a new one at once, the values again under it, the old one forgotten.
#include <set>

#include <fmt/format.h>

#include "domains/identity/identity_world.hpp"
#include "platform/security/envelope.hpp"

namespace bv::identity::testing {
namespace {

class encryption_keys : public identity_world {
protected:
    void open(int how_many, const std::string& prefix = "p") {
        for (int i = 0; i < how_many; ++i) ASSERT_TRUE(open_account(fmt::format("{}{}@example.org", prefix, i)));
    }
    // "key:values …", the current one with a star.
    std::string keys(service& at) {
        std::string out;
        for (const auto& k : run(at.encryption_keys())) out += fmt::format("{}{}{}:{}", out.empty() ? "" : " ", k.key.id, k.current ? "*" : "", k.values);
        return out;
    }
    std::string keys() { return keys(*service_); }
    // All batches; how many values.
    std::int64_t encrypt_again(int limit) {
        std::int64_t out = 0;
        for (account_id after{};;) {
            const auto some = run(service_->encrypt_again(after, limit));
            out += some.values;
            if (!some.next) return out;
            after = *some.next;
        }
    }
    std::string retire(std::uint32_t id) { return reason(run(service_->retire_encryption_key(id))); }
};

TEST_F(encryption_keys, a_new_key_encrypts_at_once_and_old_values_stay_readable) {
    open(1, "old");
    EXPECT_EQ(keys(), "1*:2");
    EXPECT_EQ(run(service_->rotate_encryption_key()), 2u);
    open(1, "new");
    EXPECT_EQ(keys(), "1:2 2*:2");
    for (const auto* email : {"old0@example.org", "new0@example.org"}) {
        const auto me = get(as(log_in(email)->access_token()), "me");
        ASSERT_TRUE(me) << email;
        EXPECT_EQ(me->email(), email);
        EXPECT_EQ(me->display_name(), "Ada Lovelace");
    }
    EXPECT_EQ(reason(open_account("old0@example.org")), "EMAIL_TAKEN") << "look-up by e-mail does not depend on the key";
}

TEST_F(encryption_keys, values_are_encrypted_again_in_batches_and_a_broken_off_run_is_gone_on_with) {
    open(5);
    run(service_->rotate_encryption_key());
    const auto versions = one<std::int64_t>("SELECT sum(version)::bigint FROM identity.accounts");
    const auto first = run(service_->encrypt_again({}, 2));
    EXPECT_EQ(first.values, 4);
    ASSERT_TRUE(first.next);
    EXPECT_EQ(keys(), "1:6 2*:4");
    // Broken off here; the next run begins anew and does the rest.
    EXPECT_EQ(encrypt_again(2), 6);
    EXPECT_EQ(keys(), "1:0 2*:10");
    EXPECT_EQ(encrypt_again(2), 0);
    EXPECT_EQ(one<std::int64_t>("SELECT sum(version)::bigint FROM identity.accounts"), versions) << "nobody's ETag changes";
    for (int i = 0; i < 5; ++i) EXPECT_TRUE(log_in(fmt::format("p{}@example.org", i)));
    EXPECT_EQ(get(as(log_in("p3@example.org")->access_token()), "me")->email(), "p3@example.org");
    EXPECT_EQ(one("SELECT string_agg(DISTINCT actor, ',') FROM audit.entries WHERE table_name = 'identity.accounts' AND operation = 2"), "service:identity");
}

TEST_F(encryption_keys, imported_accounts_have_nothing_to_encrypt) {
    contract::BatchImportAccountsRequest r;
    r.add_accounts()->set_external_reference("17850");
    auto ctx = as_admin();
    ctx.caller.scopes = {"accounts.admin", "accounts.import"};
    ASSERT_TRUE(run(api().batch_import_accounts(ctx, r)));
    run(service_->rotate_encryption_key());
    EXPECT_EQ(encrypt_again(10), 0);
    EXPECT_EQ(keys(), "1:0 2*:0");
}

TEST_F(encryption_keys, another_process_uses_a_new_key_without_a_restart) {
    idle_log other_log;
    auto other = make(other_log);
    run(service_->rotate_encryption_key());
    open(1);
    EXPECT_EQ(keys(*other), "1*:0") << "it has not looked yet";
    contract::LogInRequest r;
    r.set_email("p0@example.org");
    r.set_password(password);
    auto ctx = anybody();
    contract::identity_service_client there(*static_cast<contract::identity_service*>(other->served().service));
    EXPECT_TRUE(run(there.log_in(ctx, r))) << "a value under an unknown key makes it look";
    EXPECT_EQ(keys(*other), "1:0 2*:2");
    run(service_->rotate_encryption_key());
    run(other->follow());
    EXPECT_EQ(keys(*other), "1:0 2:2 3*:0");
}

TEST_F(encryption_keys, a_key_is_forgotten_only_when_nothing_can_need_it) {
    open(2);
    EXPECT_EQ(retire(7), "FIELD_KEY_NOT_FOUND");
    EXPECT_EQ(retire(1), "FIELD_KEY_IN_USE") << "it encrypts";
    run(service_->rotate_encryption_key());
    EXPECT_EQ(retire(1), "FIELD_KEY_TOO_YOUNG") << "a transaction may hold values under it";
    clock_.advance(seconds(60));
    const auto refused = run(service_->retire_encryption_key(1));
    EXPECT_EQ(reason(refused), "FIELD_KEY_IN_USE");
    EXPECT_NE(refused.error().message.find("4 values"), std::string::npos) << refused.error().message;
    EXPECT_EQ(encrypt_again(500), 4);
    EXPECT_EQ(retire(1), "");
    EXPECT_EQ(keys(), "2*:4");
    EXPECT_EQ(retire(1), "FIELD_KEY_NOT_FOUND");
    EXPECT_TRUE(log_in("p0@example.org"));
    EXPECT_EQ(run(service_->rotate_encryption_key()), 3u) << "a number is never used twice";
}

// The list of encrypted columns is written by hand: this finds one that was forgotten.
TEST_F(encryption_keys, no_other_column_of_the_schema_holds_encrypted_values) {
    open(2);
    std::set<std::string> found, listed;
    static constexpr pg::statement all{"test.binary_columns", R"(
        SELECT table_schema || '.' || table_name, column_name::text FROM information_schema.columns
         WHERE data_type = 'bytea' AND table_schema NOT IN ('pg_catalog', 'information_schema') ORDER BY 1, 2)"};
    for (const auto row : run(admin_.query(all))) {
        const auto table = row.get<std::string>(0), column = row.get<std::string>(1);
        // Version, key 1, and as long as an empty value at least.
        if (one<std::int64_t>(fmt::format(R"(SELECT count(*) FROM {0} WHERE substr("{1}", 1, 5) = '\x0100000001' AND length("{1}") >= 33)", table, column)) > 0)
            found.insert(table + "." + column);
    }
    for (const auto column : service::encrypted_columns()) listed.insert(fmt::format("{}.{}", service::encrypted_table, column));
    EXPECT_EQ(found, listed);
}

}  // namespace
}  // namespace bv::identity::testing
