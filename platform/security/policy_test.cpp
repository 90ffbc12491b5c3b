#include "platform/security/policy.hpp"

#include <algorithm>

#include <gtest/gtest.h>

#include "platform/security/secure_headers.hpp"

namespace bv::security {
namespace {

using strings = std::vector<std::string>;

TEST(policy, roles_add_up_sorted_and_without_repeats) {
    EXPECT_EQ(scopes_of(strings{"customer"}), (strings{"notifications.read", "orders.read", "orders.write", "payments.read"}));
    EXPECT_EQ(scopes_of(strings{"stock_manager", "catalogue_manager"}), (strings{"inventory.read", "inventory.write", "products.write"}));
    EXPECT_EQ(scopes_of(strings{}), strings{});
}

TEST(policy, an_unknown_role_gives_nothing) {
    EXPECT_EQ(scopes_of(strings{"root", "Admin", ""}), strings{});
    EXPECT_EQ(find_role("nobody"), nullptr);
}

TEST(policy, only_administrators_manage_accounts_and_only_they_have_everything) {
    for (const role& r : roles()) {
        EXPECT_EQ(std::ranges::binary_search(r.scopes, "accounts.admin"), r.name == "admin") << r.name;
        EXPECT_EQ(r.scopes.size() == scopes().size(), r.name == "admin") << r.name;
    }
}

TEST(policy, no_role_has_what_only_services_may) {
    EXPECT_FALSE(std::ranges::binary_search(scopes(), internal_scope));
    for (const role& r : roles()) EXPECT_FALSE(std::ranges::binary_search(r.scopes, internal_scope)) << r.name;
}

TEST(policy, an_importer_imports_and_reads_what_it_imported) {
    EXPECT_EQ(scopes_of(strings{"importer"}), (strings{"accounts.import", "inventory.read", "inventory.write", "orders.read.any",
                                                       "orders.write.any", "products.write"}));
}

TEST(policy, a_customer_sees_nothing_of_others) {
    for (const std::string& scope : scopes_of(strings{"customer"})) EXPECT_FALSE(scope.ends_with(".any")) << scope;
}

TEST(policy, an_auditor_changes_nothing) {
    for (const std::string& scope : scopes_of(strings{"auditor"}))
        EXPECT_NE(scope.find(".read"), std::string::npos) << scope;
}

TEST(policy, asking_for_scopes_never_gives_more_than_the_roles_do) {
    EXPECT_EQ(narrowed(strings{"a", "b"}, strings{"c", "b", "b"}), strings{"b"});
    EXPECT_EQ(narrowed(strings{}, strings{"a"}), strings{});
}

TEST(secure_headers, forbid_inline_scripts_sniffing_and_framing) {
    const auto value = [](std::string_view name) {
        const auto found = std::ranges::find(secure_headers, name, &header::first);
        return found == secure_headers.end() ? std::string_view() : found->second;
    };
    EXPECT_TRUE(value("Content-Security-Policy").starts_with("default-src 'self'"));
    EXPECT_EQ(value("Content-Security-Policy").find("unsafe"), std::string_view::npos);
    EXPECT_EQ(value("X-Content-Type-Options"), "nosniff");
    EXPECT_EQ(value("X-Frame-Options"), "DENY");
}

}  // namespace
}  // namespace bv::security
