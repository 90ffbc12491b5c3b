// bv load: HTTP load on a platform, and what came back.
#include <fstream>
#include <iostream>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "app/cli/command.hpp"
#include "app/load/load.hpp"
#include "app/replay/progress_line.hpp"
#include "app/stack/local_client.hpp"
#include "app/stack/secret_store.hpp"

namespace bv::cli {

namespace {

constexpr const char* about = R"(Put load on a platform over its public API and measure its answers. SCENARIO is a built-in one
(--list) or a YAML file (--print shows a built-in one to start from). With a rate the loop is open:
requests are due at fixed times, and a latency counts from then, so that a platform that stalls is
charged for all that waited. With callers and no rate the loop is closed: as fast as it answers.
It makes accounts, articles and orders of its own, and they stay.
Exit 0: done; 1: more than --max-errors per cent of the requests were not answered well.)";

struct flags {
    std::string scenario = "calls", url, duration, warm_up, svg, print;
    double rate = 0, max_errors = 1;
    int callers = 0, shoppers = 0;
    std::uint64_t arrivals = 0;
    bool json = false, list = false, allow_remote = false;
};

[[noreturn]] void refuse(const std::string& reason, const std::string& what) { throw failure(code::invalid_argument, reason, what); }

template <class T>
T must(result<T> r) {
    if (!r) throw failure(r.error());
    return std::move(*r);
}

bool is_loopback(const std::string& host) { return host == "localhost" || host == "::1" || host.starts_with("127."); }

// "http://127.0.0.1:8080"
http::client_options address(const std::string& url) {
    http::client_options o;
    o.tls = url.starts_with("https://");
    if (!o.tls && !url.starts_with("http://")) refuse("URL_INVALID", fmt::format("--url must begin with http:// or https://, \"{}\" does not", url));
    auto host = url.substr(o.tls ? 8 : 7);
    host = host.substr(0, host.find('/'));
    o.port = o.tls ? 443 : 80;
    if (const auto colon = host.rfind(':'); colon != host.npos && (host.front() != '[' || host[colon - 1] == ']')) {
        const auto port = host.substr(colon + 1);
        unsigned value = 0;
        const auto [end, problem] = std::from_chars(port.data(), port.data() + port.size(), value);
        if (problem != std::errc{} || end != port.data() + port.size() || value == 0 || value > 65'535) refuse("URL_INVALID", fmt::format("--url has no port from 1 to 65535: \"{}\"", url));
        o.port = static_cast<std::uint16_t>(value);
        host.resize(colon);
    }
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    if (host.empty()) refuse("URL_INVALID", fmt::format("--url names no host: \"{}\"", url));
    o.host = host;
    return o;
}

load::target find_target(const common& c, const flags& f) {
    load::target out;
    if (!f.url.empty()) {
        out.where = address(f.url);
        if (!is_loopback(out.where.host) && !f.allow_remote)
            refuse("REMOTE_TARGET", fmt::format("{} is not this machine. Load may harm what others use: --allow-remote says that you may", out.where.host));
        return out;
    }
    out.where = stack::local_client(find_running(c));
    if (const auto key = stack::find_secrets(c.load(), c.directory()).secrets->get("dev.importer.api_key")) out.importer_key = *key;
    return out;
}

load::scenario find(const flags& f) {
    auto s = must(load::find_scenario(f.scenario));
    if (f.callers > 0) s.callers = f.callers;
    if (f.rate > 0) s.rate = f.rate;
    else if (f.callers > 0) s.rate = 0;
    if (f.shoppers > 0) s.shoppers = f.shoppers;
    if (!f.duration.empty()) s.duration = must(load::parse_duration(f.duration));
    if (!f.warm_up.empty()) s.warm_up = must(load::parse_duration(f.warm_up));
    s.most_arrivals = f.arrivals;
    return s;
}

int show_builtin(const std::string& name) {
    for (const auto& b : load::builtin_scenarios())
        if (name.empty()) std::cout << fmt::format("{:<10} {}\n", b.name, b.about);
        else if (b.name == name) std::cout << b.text;
    if (name.empty()) return done;
    if (std::ranges::none_of(load::builtin_scenarios(), [&](const auto& b) { return b.name == name; })) refuse("SCENARIO_INVALID", fmt::format("there is no scenario {} built in; --list names them", name));
    return done;
}

std::string line_of(const load::standing& s) {
    return fmt::format("{} of {} s{}: {} answered, {} failed, {:.0f} a second, p99 {}, {} under way", s.passed.count(), s.whole.count(), s.warming_up ? " (warm-up)" : "", s.answered, s.failed,
                       s.per_second, load::shown(static_cast<double>(s.p99_us)), s.under_way);
}

int run(const common& c, const flags& f) {
    if (f.list || !f.print.empty()) return show_builtin(f.print);
    const auto how = find(f);
    const auto to = find_target(c, f);
    std::ofstream svg;
    if (!f.svg.empty()) {
        svg.open(f.svg);
        if (!svg) refuse("SVG_UNWRITABLE", f.svg + " cannot be written");
    }
    replay::progress_line line(std::cerr, on_terminal(2), system_clock());
    const auto found = load::run(how, to, [&](const load::standing& s) { line.show(line_of(s)); });
    line.clear();
    if (f.json) std::cout << boost::json::serialize(load::to_json(found)) << std::endl;
    else load::print(found, std::cout);
    if (svg.is_open()) svg << load::picture(found);
    return found.total().answered > 0 && 100 * found.failed_share() <= f.max_errors ? done : failed;
}

}  // namespace

void add_load(CLI::App& parser, common& c) {
    auto f = std::make_shared<flags>();
    auto* command = parser.add_subcommand("load", about);
    command->add_option("SCENARIO", f->scenario, "a built-in scenario or a YAML file")->capture_default_str();
    command->add_option("--rate", f->rate, "arrivals a second: open loop")->check(CLI::Range(0.01, 1'000'000.0));
    command->add_option("--callers", f->callers, "without --rate a closed loop of so many; with it the most that are under way at once")->check(CLI::Range(1, 10'000));
    command->add_option("--for", f->duration, "how long it is measured, such as 30s or 5m (default: the scenario's)");
    command->add_option("--warm-up", f->warm_up, "time before that, not counted (default: the scenario's)");
    command->add_option("--shoppers", f->shoppers, "accounts that are made for it; rate limits are per account")->check(CLI::Range(1, 1'000));
    command->add_option("--arrivals", f->arrivals, "end after so many")->check(CLI::Range(1, 1'000'000'000));
    command->add_option("--url", f->url, "the platform (default: the running one of the data directory)");
    command->add_flag("--allow-remote", f->allow_remote, "with --url: a host that is not this machine");
    command->add_option("--max-errors", f->max_errors, "per cent of requests that may fail")->check(CLI::Range(0.0, 100.0))->capture_default_str();
    command->add_flag("--json", f->json, "one JSON object instead of the table");
    command->add_option("--svg", f->svg, "write a picture of the latencies to this file");
    command->add_flag("--list", f->list, "name the built-in scenarios");
    command->add_option("--print", f->print, "print a built-in scenario's YAML");
    command->callback([f, &c] { c.exit = run(c, *f); });
}

}  // namespace bv::cli
