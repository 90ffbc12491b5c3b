// bv secret: the development logins, again.
#include <iostream>

#include "app/cli/command.hpp"
#include "platform/core/error.hpp"
#include "platform/security/secrets.hpp"

namespace bv::cli {

namespace {

constexpr std::string_view shown = "dev.";  // nothing else leaves the sealed file

int show(const common& c, const std::string& name) {
    const auto folder = c.directory() / "secrets";
    if (!std::filesystem::exists(folder)) throw failure(code::failed_precondition, "NOT_RUNNING", "nothing has been started yet: bv up makes the development logins");
    const auto secrets = security::open_sealed_file(folder);
    if (name.empty()) {
        for (const auto& n : secrets->names())
            if (n.starts_with(shown)) std::cout << n << '\n';
        return done;
    }
    if (!name.starts_with(shown)) throw failure(code::permission_denied, "NOT_SHOWN", "only the development logins (dev.…) are shown");
    const auto value = secrets->get(name);
    if (!value) throw failure(value.error());
    std::cout << *value << '\n';
    return done;
}

}  // namespace

void add_secret(CLI::App& parser, common& c) {
    auto name = std::make_shared<std::string>();
    auto* command = parser.add_subcommand("secret", "Print a development login (dev.admin.password, dev.importer.api_key …); without a name, list them.");
    command->add_option("name", *name, "its name");
    command->callback([name, &c] { c.exit = show(c, *name); });
}

}  // namespace bv::cli
