#include "platform/security/policy.hpp"

#include <algorithm>
#include <array>
#include <set>

namespace bv::security {

namespace {

constexpr std::array<std::string_view, 17> every_scope{
    "accounts.admin",  "accounts.import",    "audit.read",             "inventory.read",
    "inventory.write", "notifications.read", "notifications.read.any", "orders.read",
    "orders.read.any", "orders.write",       "orders.write.any",       "payments.read",
    "payments.read.any", "payments.refund",  "platform.operate",       "products.write",
    "telemetry.read",
};
constexpr std::array<std::string_view, 5> of_auditor{"audit.read", "inventory.read", "orders.read.any", "payments.read.any",
                                                     "telemetry.read"};
constexpr std::array<std::string_view, 2> of_catalogue_manager{"inventory.read", "products.write"};
constexpr std::array<std::string_view, 4> of_customer{"notifications.read", "orders.read", "orders.write", "payments.read"};
constexpr std::array<std::string_view, 6> of_importer{"accounts.import", "inventory.read",   "inventory.write",
                                                      "orders.read.any", "orders.write.any", "products.write"};
constexpr std::array<std::string_view, 2> of_stock_manager{"inventory.read", "inventory.write"};
constexpr std::array<std::string_view, 6> of_support{"inventory.read",   "notifications.read.any", "orders.read.any",
                                                     "orders.write.any", "payments.read.any",      "payments.refund"};

constexpr std::array<role, 7> all_roles{{
    {"admin", "Everything, accounts and roles included", every_scope},
    {"auditor", "Reads the audit trail, orders, payments and traces; changes nothing", of_auditor},
    {"catalogue_manager", "Keeps products, categories and prices", of_catalogue_manager},
    {"customer", "Places and reads own orders", of_customer},
    {"importer", "A program that imports accounts, catalogue, stock and orders on behalf of customers", of_importer},
    {"stock_manager", "Receives and adjusts stock", of_stock_manager},
    {"support", "Reads, cancels and refunds orders of any customer", of_support},
}};

static_assert(std::ranges::is_sorted(every_scope));
static_assert(std::ranges::is_sorted(all_roles, {}, &role::name));
static_assert(std::ranges::all_of(all_roles, [](const role& r) {
    return std::ranges::is_sorted(r.scopes) && std::ranges::includes(every_scope, r.scopes);
}));

}  // namespace

std::span<const role> roles() noexcept { return all_roles; }

const role* find_role(std::string_view name) noexcept {
    const auto found = std::ranges::find(all_roles, name, &role::name);
    return found == all_roles.end() ? nullptr : &*found;
}

std::span<const std::string_view> scopes() noexcept { return every_scope; }

std::vector<std::string> scopes_of(std::span<const std::string> names) {
    std::set<std::string_view> all;
    for (const std::string& name : names)
        if (const role* r = find_role(name)) all.insert(r->scopes.begin(), r->scopes.end());
    return {all.begin(), all.end()};
}

std::vector<std::string> narrowed(std::span<const std::string> allowed, std::span<const std::string> asked) {
    const std::set<std::string_view> may(allowed.begin(), allowed.end());
    const std::set<std::string_view> wants(asked.begin(), asked.end());
    std::vector<std::string> out;
    for (const std::string_view scope : wants)
        if (may.contains(scope)) out.emplace_back(scope);
    return out;
}

}  // namespace bv::security
