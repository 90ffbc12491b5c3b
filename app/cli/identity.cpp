// bv identity: certificates for roles that no supervisor starts. bv migrate: the database for them.
#include <iostream>

#include <fmt/format.h>

#include "app/cli/command.hpp"
#include "app/roles.hpp"
#include "app/stack/identity_files.hpp"
#include "app/stack/migrate.hpp"
#include "app/stack/secret_store.hpp"
#include "app/stack/settings.hpp"
#include "platform/core/error.hpp"
#include "platform/security/certificate_authority.hpp"
#include "platform/security/private_file.hpp"

namespace bv::cli {

namespace {

struct options {
    std::string role, out, life;
};

// The one that a running platform trusts is never replaced here.
security::certificate_authority authority_of(security::secrets& secrets, const std::string& trust_domain, time_point now) {
    auto known = security::certificate_authority::find(secrets);
    if (!known) return security::certificate_authority::open(secrets, trust_domain, now);
    if (known->trust_domain() != trust_domain)
        throw failure(code::failed_precondition, "OTHER_TRUST_DOMAIN",
                      fmt::format("the authority in the secrets is that of {}, and peers.trust_domain is {}. bv up makes a new one, which no process trusts before it is started again", known->trust_domain(), trust_domain));
    return std::move(*known);
}

int issue(common c, const options& o) {
    if (!o.life.empty()) c.settings.push_back("peers.certificate_life=" + o.life);
    const auto settings = c.load();
    const auto roles = app::parse_roles(std::vector{o.role});
    if (!roles) throw failure(roles.error());
    if (roles->size() != 1) throw failure(code::invalid_argument, "ONE_ROLE", "a certificate names one role");
    const auto dir = stack::data_dir::open(stack::data_directory(settings));
    auto store = stack::open_secrets(settings, dir.path());
    const auto now = system_clock().now();
    const auto life = std::chrono::duration_cast<seconds>(settings.get<milliseconds>("peers.certificate_life"));
    const security::spiffe_id id{settings.get<std::string>("peers.trust_domain"), '/' + roles->front()};
    const auto fresh = store.vault ? stack::certificates_from(store, settings)(id, now, life) : authority_of(*store.secrets, id.trust_domain, now).issue(id, now, life);
    std::filesystem::create_directories(o.out);
    const auto paths = stack::identity_paths_in(o.out);
    security::write_private_file(paths.authorities, fresh.trust);
    security::write_private_file(paths.key, fresh.private_key);
    security::write_private_file(paths.certificate, fresh.certificate);
    std::cout << fmt::format("{} until {}: {}, {}, {}\n", id.str(), rfc3339(fresh.not_after), paths.certificate.string(), paths.key.string(), paths.authorities.string());
    return done;
}

int migrate(const common& c) {
    const auto settings = c.load();
    const auto url = settings.get<std::string>("database.url");
    if (url.empty()) throw failure(code::failed_precondition, "SETTING_MISSING", "bv migrate needs database.url; for the private database of a data directory bv up does it");
    const auto dir = stack::data_dir::open(stack::data_directory(settings));
    const auto store = stack::open_secrets(settings, dir.path());
    auto database = pg::cluster::external(url);
    database.start();
    runtime on(1);
    on.start();
    const int applied = stack::migrate(on, database, *store.secrets);
    on.stop();
    on.join();
    std::cout << fmt::format("{} migrations applied\n", applied);
    return done;
}

}  // namespace

void add_identity(CLI::App& parser, common& c) {
    auto o = std::make_shared<options>();
    auto* command = parser.add_subcommand("identity", "Certificates by which the processes of a platform know each other.");
    command->require_subcommand(1);
    auto* issued = command->add_subcommand("issue", "Write certificate, key and authorities of a role that bv serve runs without a supervisor. Again: the process takes the new ones.");
    issued->add_option("--role", o->role, "which; bv roles lists them")->required();
    issued->add_option("--out", o->out, "folder for certificate.pem, key.pem and ca.pem")->required();
    issued->add_option("--life", o->life, "how long it is good, such as 24h (default: peers.certificate_life)");
    issued->callback([o, &c] { c.exit = issue(c, *o); });
}

void add_migrate(CLI::App& parser, common& c) {
    auto* command = parser.add_subcommand("migrate", "Bring the database of database.url to this version, for roles that bv serve runs without a supervisor.");
    command->callback([&c] { c.exit = migrate(c); });
}

}  // namespace bv::cli
