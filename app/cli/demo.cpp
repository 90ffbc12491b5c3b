// bv demo: a guided shopper's journey.
#include <iostream>

#include "app/cli/command.hpp"
#include "app/demo/journey.hpp"
#include "app/stack/local_client.hpp"
#include "app/stack/secret_store.hpp"

namespace bv::cli {

namespace {

int run(const common& c, bool fast) {
    const auto platform = find_running(c);
    demo::options o;
    o.where = stack::local_client(platform);
    o.url = platform.url;
    if (const auto key = stack::find_secrets(c.load(), c.directory()).secrets->get("dev.operator.api_key")) o.operator_key = *key;
    const bool terminal = on_terminal(1);
    demo::narrator says(std::cout, terminal, terminal && !fast ? milliseconds(1'500) : milliseconds(0));
    return demo::journey(std::move(o), says).run() ? done : failed;
}

}  // namespace

void add_demo(CLI::App& parser, common& c) {
    auto fast = std::make_shared<bool>(false);
    auto* command = parser.add_subcommand("demo", "A guided shopper's journey over the public API: an order, a declined card, an empty shelf, a change of mind, and what happens behind each.");
    command->add_flag("--fast", *fast, "no pauses to read in");
    command->callback([fast, &c] { c.exit = run(c, *fast); });
}

}  // namespace bv::cli
