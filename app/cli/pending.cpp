#include "app/cli/command.hpp"
namespace bv::cli {
[[gnu::weak]] void add_demo(CLI::App&, common&) {}
[[gnu::weak]] void add_replay(CLI::App&, common&) {}
[[gnu::weak]] void add_verify(CLI::App&, common&) {}
}
