// bv secret: the development logins, again; and the way of all secrets into Vault.
#include <iostream>

#include <fmt/format.h>

#include "app/cli/command.hpp"
#include "app/stack/secret_store.hpp"
#include "platform/core/error.hpp"

namespace bv::cli {

namespace {

constexpr std::string_view shown = "dev.";  // nothing else is printed

int show(const common& c, const std::string& name) {
    const auto data = c.directory();
    if (!std::filesystem::exists(data / "secrets") && !std::filesystem::exists(data / "vault.json"))
        throw failure(code::failed_precondition, "NOT_RUNNING", "nothing has been started yet: bv up makes the development logins");
    const auto [vault, secrets] = stack::find_secrets(c.load(), data);
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

int move(const common& c) {
    const auto dir = stack::data_dir::find(c.directory());
    if (!dir) throw failure(code::failed_precondition, "NOT_RUNNING", fmt::format("there is no data in {}", c.directory().string()));
    if (dir->is_locked()) throw failure(code::failed_precondition, "ALREADY_RUNNING", "the platform runs, with the secrets where they are. Stop it first: bv down");
    const auto settings = c.load();
    const auto moved = stack::move_to_vault(settings, dir->path());
    std::cout << fmt::format("{} secrets are in Vault now; the next start needs the same settings. When it has worked, delete {} and its master.key.\n", moved,
                             (dir->path() / "secrets/secrets.sealed.moved").string());
    return done;
}

}  // namespace

void add_secret(CLI::App& parser, common& c) {
    auto name = std::make_shared<std::string>();
    auto* command = parser.add_subcommand("secret", "Print a development login (dev.admin.password, dev.importer.api_key …); without a name, list them.");
    auto to_vault = std::make_shared<bool>(false);
    auto* which = command->add_option("name", *name, "its name");
    command->add_flag("--to-vault", *to_vault, "move all secrets of a stopped platform from the sealed file to the Vault of the settings (secrets.backend=vault, vault.…)")->excludes(which);
    command->callback([name, to_vault, &c] { c.exit = *to_vault ? move(c) : show(c, *name); });
}

}  // namespace bv::cli
