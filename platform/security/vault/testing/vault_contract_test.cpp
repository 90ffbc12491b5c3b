// Over a Vault that somebody has started and infra/vault/configure has set up: BV_TEST_VAULT_ADDRESS, _ROLE_ID, _SECRET_ID_FILE.
// tests/vault runs it.
#include <cstdlib>

#include <gtest/gtest.h>

#include "platform/security/field_keys.hpp"
#include "platform/security/testing/secrets_contract.hpp"
#include "platform/security/vault/issuer.hpp"
#include "platform/security/vault/store.hpp"

namespace bv::security {
namespace {

std::string variable(const char* name) {
    const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): this process sets none
    return value == nullptr ? "" : value;
}

vault::options given() {
    vault::options o;
    o.address = variable("BV_TEST_VAULT_ADDRESS");
    o.role_id = variable("BV_TEST_VAULT_ROLE_ID");
    o.secret_id_file = variable("BV_TEST_VAULT_SECRET_ID_FILE");
    return o;
}

// With a client of its own, as a process has.
class one_process final : public secrets {
public:
    explicit one_process(const vault::options& o) : client_(o, system_clock()), store_(started(client_), system_clock(), system_rng()) {}
    result<std::string> get(std::string_view name) override { return store_.get(name); }
    result<std::string> get_latest(std::string_view name) override { return store_.get_latest(name); }
    task<void> refresh() override { return store_.refresh(); }
    void put(std::string_view name, std::string_view value) override { store_.put(name, value); }
    std::string get_or_put(std::string_view name, std::string_view value) override { return store_.get_or_put(name, value); }
    std::string replace(std::string_view name, std::string_view seen, std::string_view value) override { return store_.replace(name, seen, value); }
    void remove(std::string_view name) override { store_.remove(name); }
    std::vector<std::string> names() override { return store_.names(); }
    aead_key key(std::string_view name) override { return store_.key(name); }
    vault::client& client() noexcept { return client_; }

private:
    static vault::client& started(vault::client& c) {
        c.start();
        return c;
    }
    vault::client client_;
    vault::store store_;
};

class vault_world final : public secrets_world {
public:
    vault_world() : options_(given()) {
        options_.kv.name = "bitvelocity/" + random_secret(9);  // a folder of its own
    }
    std::unique_ptr<secrets> open() override { return std::make_unique<one_process>(options_); }
    [[nodiscard]] const vault::options& options() const { return options_; }

private:
    vault::options options_;
};

std::unique_ptr<secrets_world> make_vault_world() { return std::make_unique<vault_world>(); }
INSTANTIATE_TEST_SUITE_P(vault, secrets_contract, ::testing::Values(make_vault_world));

TEST(vault_store, a_key_lies_wrapped_in_kv) {
    vault_world world;
    one_process port(world.options());
    const auto key = port.key("identity.field-kek");
    const auto kept = *port.get_latest("identity.field-kek");
    EXPECT_EQ(vault::wrapping_version(kept), 1) << kept;
    EXPECT_EQ(one_process(world.options()).key("identity.field-kek").bytes(), key.bytes());
}

TEST(vault_store, a_key_that_came_from_the_sealed_file_is_wrapped_at_its_first_use) {
    vault_world world;
    one_process port(world.options());
    const auto text = random_secret();
    port.put("kek", text);
    EXPECT_EQ(port.key("kek").bytes(), parse_key(text, "kek").bytes());
    EXPECT_NE(vault::wrapping_version(*port.get_latest("kek")), 0);
    EXPECT_EQ(one_process(world.options()).key("kek").bytes(), parse_key(text, "kek").bytes());
}

TEST(vault_store, what_another_process_put_is_seen_after_a_refresh) {
    vault_world world;
    one_process here(world.options()), there(world.options());
    field_keys mine(here, "identity", system_clock(), system_rng()), theirs(there, "identity", system_clock(), system_rng());
    const auto id = mine.rotate();
    // By the first value that is read.
    const auto text = mine.encrypt("person@example.com", {"identity.account.email", "1"});
    EXPECT_EQ(*theirs.decrypt(text, {"identity.account.email", "1"}), "person@example.com");
    EXPECT_EQ(theirs.cipher()->current_key(), id);
}

TEST(vault_store, a_folder_that_the_policy_does_not_name_is_denied_with_what_to_mend) {
    auto o = given();
    o.kv.name = "strangers";
    one_process port(o);
    try {
        (void)port.get("x");
        FAIL() << "it is read";
    } catch (const failure& f) {
        EXPECT_EQ(f.error().reason, "VAULT_DENIED");
        EXPECT_NE(f.error().message.find("secret/data/strangers/x"), std::string::npos) << f.error().message;
        EXPECT_NE(f.error().message.find("policy.hcl"), std::string::npos) << f.error().message;
    }
}

TEST(vault_issuer, certificates_name_the_service_and_end) {
    one_process port(given());
    const auto now = system_clock().now();
    const auto one = vault::issue(port.client(), {"pki", "bitvelocity"}, {"bitvelocity.internal", "/order"}, now, seconds(120));
    EXPECT_GT(one.not_after, now + seconds(60));
    EXPECT_LT(one.not_after, now + seconds(180));
    for (const auto& pem : {one.certificate, one.trust}) EXPECT_TRUE(pem.starts_with("-----BEGIN CERTIFICATE-----")) << pem;
    EXPECT_NE(one.private_key.find("BEGIN PRIVATE" " KEY"), std::string::npos);
    try {
        (void)vault::issue(port.client(), {"pki", "bitvelocity"}, {"elsewhere.example", "/order"}, now, seconds(120));
        FAIL() << "a stranger's name is issued";
    } catch (const failure& f) {
        EXPECT_EQ(f.error().reason, "VAULT_REFUSED");
    }
}

}  // namespace
}  // namespace bv::security
