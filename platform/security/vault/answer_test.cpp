#include "platform/security/vault/answer.hpp"

#include <gtest/gtest.h>

#include "platform/security/vault/options.hpp"
#include "platform/security/vault/store.hpp"

namespace bv::vault {
namespace {

std::string reason_of(int status, std::string_view body) {
    const auto r = read_answer(status, body, "Vault at x: GET y");
    return r ? (r->found ? "ok" : "none") : r.error().reason;
}

TEST(vault_answer, is_read_by_its_status) {
    struct row {
        int status;
        std::string_view body, reason;
    };
    constexpr row table[] = {
        {200, R"({"data":{}})", "ok"},
        {204, "", "ok"},
        {404, R"({"errors":[]})", "none"},
        {404, R"({"data":{"data":null,"metadata":{"version":3}}})", "none"},
        {404, R"({"errors":["no handler for route \"kv/data/x\". route entry not found."]})", "VAULT_NO_ROUTE"},
        {403, R"({"errors":["1 error occurred:\n\t* permission denied\n\n"]})", "VAULT_DENIED"},
        {400, R"({"errors":["check-and-set parameter did not match the current version"]})", "VAULT_CHANGED"},
        {400, R"({"errors":["lease not found"]})", "VAULT_REFUSED"},
        {405, R"({"errors":["unsupported operation"]})", "VAULT_REFUSED"},
        {429, R"({"errors":["request path \"x\": rate limit quota exceeded"]})", "VAULT_BUSY"},
        {473, R"({"standby":true})", "VAULT_BUSY"},
        {500, R"({"errors":["1 error occurred"]})", "VAULT_ERROR"},
        {500, R"({"errors":["1 error occurred:\n\t* past the max TTL, cannot renew\n\n"]})", "VAULT_REFUSED"},
        {501, R"({"initialized":false})", "VAULT_UNINITIALIZED"},
        {502, "<html>bad gateway</html>", "VAULT_ERROR"},
        {503, R"({"errors":["Vault is sealed"]})", "VAULT_SEALED"},
        {200, "<html>", "VAULT_BAD_ANSWER"},
        {200, R"(["a list"])", "VAULT_BAD_ANSWER"},
        {302, "", "VAULT_BAD_ANSWER"},
    };
    for (const auto& r : table) EXPECT_EQ(reason_of(r.status, r.body), r.reason) << r.status << ' ' << r.body;
}

TEST(vault_answer, an_error_says_which_call_and_what_vault_said_in_one_line) {
    const auto r = read_answer(403, R"({"errors":["1 error occurred:\n\t* permission denied\n\n"]})", "Vault at https://v: GET secret/data/x");
    EXPECT_EQ(r.error().message, "Vault at https://v: GET secret/data/x: 1 error occurred:  * permission denied  ");
}

TEST(vault_answer, fields_are_found_by_their_path) {
    const auto r = read_answer(200, R"({"data":{"metadata":{"version":7},"data":{"value":"x"}}})", "");
    EXPECT_EQ(number_at(r->body, "data/metadata/version"), 7);
    EXPECT_EQ(text_at(r->body, "data/data/value"), "x");
    for (const char* path : {"data/none", "none/x", "data/data/value/deeper", ""}) EXPECT_TRUE(field(r->body, path).is_null()) << path;
    EXPECT_EQ(number_at(r->body, "data/data/value"), 0);
}

TEST(vault_options, places_are_a_mount_and_a_name) {
    EXPECT_EQ(parse_place("team/secret/bitvelocity")->mount, "team/secret");
    EXPECT_EQ(parse_place("team/secret/bitvelocity")->name, "bitvelocity");
    EXPECT_FALSE(parse_place("")->given());
    for (const char* bad : {"secret", "/x", "secret/", "a//b", "a/b c", "a/b?c", "a/b%2f"}) EXPECT_FALSE(parse_place(bad)) << bad;
}

TEST(vault_options, plain_http_is_for_this_machine_only) {
    EXPECT_EQ(parse_address("https://vault.internal")->port, 8200);
    EXPECT_EQ(parse_address("https://[2001:db8::1]:443/")->host, "2001:db8::1");
    EXPECT_FALSE(parse_address("http://127.0.0.1:1234")->tls);
    EXPECT_TRUE(parse_address("http://localhost:8200"));
    for (const char* bad : {"http://vault.internal:8200", "vault.internal:8200", "https://", "https://v:0", "https://v:x", "https://v/ui", "https://user@v"})
        EXPECT_EQ(parse_address(bad).error().reason, "VAULT_ADDRESS") << bad;
}

TEST(vault_store, the_version_of_a_wrapping_is_in_its_text) {
    EXPECT_EQ(wrapping_version("vault:v12:abc"), 12);
    for (const char* none : {"", "vault:v", "vault:v:", "vault:v1", "vault:vx:abc", "c2VjcmV0"}) EXPECT_EQ(wrapping_version(none), 0) << none;
}

}  // namespace
}  // namespace bv::vault
