// bv provider: the development payment provider as a process of its own. `bv up` starts it as a child.
#include <filesystem>
#include <fstream>

#include "app/cli/command.hpp"
#include "app/stack/provider_child.hpp"
#include "app/stack/secret_store.hpp"
#include "domains/commerce/payment/provider/provider.hpp"
#include "platform/core/error.hpp"
#include "platform/runtime/runtime.hpp"
#include "platform/runtime/signals.hpp"

namespace bv::cli {

namespace {

struct options {
    std::uint16_t port = 0;
    std::string platform_url, platform_certificate, port_file;
};

void write_port(const std::string& file, std::uint16_t port) {
    if (file.empty()) return;
    std::ofstream(file + ".new") << port << '\n';
    std::filesystem::rename(file + ".new", file);  // whoever waits for it sees it whole
}

int run(const common& c, const options& o) {
    const auto data = c.directory();
    payment_provider::options p;
    p.port = o.port;
    p.journal_file = data / "provider" / "journal";
    {
        const auto [vault, secrets] = stack::find_secrets(c.load(), data);
        p.api_key = secrets->get_or_put(stack::provider_api_key, security::random_secret());
        if (!o.platform_url.empty()) p.callback.secret = secrets->get_or_put(stack::provider_callback_secret, security::random_secret());
    }
    if (!o.platform_url.empty()) {
        p.callback.url = o.platform_url + "/v1/payments:providerCallback";
        p.callback.certificate = o.platform_certificate;
    }
    runtime rt(1);
    rt.start();
    payment_provider::server server(rt, system_clock(), p);
    server.start();
    write_port(o.port_file, server.port());
    rt.block_on(wait_for_stop_signal());
    rt.block_on(server.stop(seconds(5)));
    rt.stop();
    rt.join();
    return done;
}

}  // namespace

void add_provider(CLI::App& parser, common& c) {
    auto o = std::make_shared<options>();
    auto* command = parser.add_subcommand("provider", "Run the development payment provider (bv up does it for you).");
    command->add_option("--port", o->port, "port to listen on; 0 takes a free one");
    command->add_option("--platform-url", o->platform_url, "where its call-backs go; empty: nowhere");
    command->add_option("--platform-certificate", o->platform_certificate, "PEM file of the platform's certificate, for an https URL");
    command->add_option("--port-file", o->port_file, "the port is written here once it listens");
    command->callback([o, &c] { c.exit = run(c, *o); });
}

}  // namespace bv::cli
