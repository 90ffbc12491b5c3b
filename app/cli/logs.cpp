// bv logs: the platform's log, readable.
#include <fstream>
#include <iostream>
#include <thread>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "app/cli/command.hpp"
#include "app/roles.hpp"
#include "platform/core/error.hpp"

namespace bv::cli {

namespace json = boost::json;
using namespace std::chrono_literals;

namespace {

struct options {
    bool follow = false;
    bool raw = false;
    std::size_t lines = 100;
    std::string level;
    std::string trace;
    std::string name = "platform";
};

int rank(std::string_view level) { return level == "error" ? 3 : level == "warn" ? 2 : level == "info" ? 1 : 0; }

// "09:12:03.120 info  order.placed  count=3 trace=…", or nothing when it is filtered out.
std::string render(const std::string& line, const options& o) {
    boost::system::error_code ec;
    const auto value = json::parse(line, ec);
    if (ec || !value.is_object()) return o.level.empty() && o.trace.empty() ? line : std::string{};
    const auto& entry = value.as_object();
    const auto text = [&](std::string_view key) { const auto* v = entry.if_contains(key); return v && v->is_string() ? std::string(v->as_string()) : std::string{}; };
    if (!o.level.empty() && rank(text("level")) < rank(o.level)) return {};
    if (!o.trace.empty() && text("trace_id") != o.trace) return {};
    if (o.raw) return line;
    const auto time = text("time");
    auto out = fmt::format("{} {:5} {}", time.size() > 11 ? time.substr(11, time.size() - 12) : time, text("level"), text("event"));
    for (const auto& [key, v] : entry) {
        if (key == "time" || key == "level" || key == "event") continue;
        out += fmt::format(" {}={}", std::string_view(key), v.is_string() ? std::string(v.as_string()) : json::serialize(v));
    }
    return out;
}

int show(const common& c, const options& o) {
    const auto file = c.directory() / "log" / (o.name + ".log");
    std::ifstream in(file);
    if (!in) throw failure(code::not_found, "NO_LOG", fmt::format("there is no log {}; bv up writes it", file.string()));
    std::vector<std::string> last;
    std::string line;
    while (std::getline(in, line)) {
        if (auto text = render(line, o); !text.empty()) {
            last.push_back(std::move(text));
            if (last.size() > 2 * o.lines + 64) last.erase(last.begin(), last.end() - static_cast<std::ptrdiff_t>(o.lines));
        }
    }
    for (auto i = last.size() > o.lines ? last.size() - o.lines : 0; i < last.size(); ++i) std::cout << last[i] << '\n';
    std::cout << std::flush;
    std::string partial;
    while (o.follow) {
        in.clear();
        std::string piece;
        while (std::getline(in, piece)) {
            partial += piece;
            if (in.eof()) break;  // the line is not whole yet
            if (auto text = render(partial, o); !text.empty()) std::cout << text << std::endl;
            partial.clear();
        }
        std::this_thread::sleep_for(200ms);
    }
    return done;
}

}  // namespace

void add_logs(CLI::App& parser, common& c) {
    auto o = std::make_shared<options>();
    auto* command = parser.add_subcommand("logs", "Show the platform's log (JSON lines), readable.");
    command->add_flag("--follow,-f", o->follow, "go on showing what is added");
    command->add_option("--lines,-n", o->lines, "how many of the last lines (default 100)");
    command->add_option("--level", o->level, "only from this level on")->check(CLI::IsMember({"debug", "info", "warn", "error"}));
    command->add_option("--trace", o->trace, "only lines of this trace id");
    command->add_flag("--json", o->raw, "the lines as they are");
    std::vector<std::string> names{"platform", "provider", "up", "vault"};
    for (auto& r : app::role_names()) names.push_back(std::move(r));
    command->add_option("name", o->name, "platform, provider, up, vault, or a role of profile full (default platform)")->check(CLI::IsMember(names));
    command->callback([o, &c] { c.exit = show(c, *o); });
}

}  // namespace bv::cli
