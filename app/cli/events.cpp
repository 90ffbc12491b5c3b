// bv events: consumer groups, and how to have them apply events again.
#include <algorithm>
#include <charconv>
#include <iostream>
#include <thread>
#include <utility>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "app/cli/local_api.hpp"
#include "platform/core/clock.hpp"
#include "platform/core/error.hpp"

namespace bv::cli {

namespace json = boost::json;
using namespace std::chrono_literals;

namespace {

struct options {
    std::string group, source, to;
    bool as_json = false, yes = false, wait = true;
};

constexpr const char* rewind_target = "/v1/platform/groups:rewind";

std::int64_t number_of(const json::value& v, std::string_view key) {
    const auto text = text_of(v, key);
    std::int64_t out = 0;
    std::from_chars(text.data(), text.data() + text.size(), out);
    return out;
}

int list(const common& c, const options& o) {
    local_api api(c);
    const auto status = api.get("/v1/platform/status");
    const auto& groups = items_of(status, "groups");
    if (o.as_json) {
        std::cout << json::serialize(groups) << '\n';
        return done;
    }
    std::cout << fmt::format("{:<22} {:<12} {:>10} {:>8} {:>6}\n", "group", "reads", "position", "behind", "dead");
    for (const auto& g : groups)
        std::cout << fmt::format("{:<22} {:<12} {:>10} {:>8} {:>6}\n", text_of(g, "group"), text_of(g, "source"), number_of(g, "position"), number_of(g, "lag"), number_of(g, "deadLetters"));
    return done;
}

// beginning, a position, or a time.
json::object request_of(const options& o) {
    json::object out{{"group", o.group}};
    if (!o.source.empty()) out["source"] = o.source;
    if (o.to == "beginning") return out;
    if (!o.to.empty() && o.to.find_first_not_of("0123456789") == std::string::npos) {
        std::int64_t position = 0;
        const auto [end, wrong] = std::from_chars(o.to.data(), o.to.data() + o.to.size(), position);
        if (wrong != std::errc{} || position == 0) throw failure(code::invalid_argument, "BAD_TARGET", fmt::format("--to {}: positions begin at 1", o.to));
        out["position"] = fmt::to_string(position);
        return out;
    }
    const auto time = parse_rfc3339(o.to);
    if (!time) throw failure(code::invalid_argument, "BAD_TARGET", fmt::format("--to \"{}\" is none of: beginning, a position such as 1200, a time such as 2026-01-31T09:00:00Z", o.to));
    out["time"] = rfc3339(*time);
    return out;
}

void print(const json::array& sources) {
    std::cout << fmt::format("{:<12} {:>12} {:>14} {:>14}\n", "source", "is at", "begins after", "events again");
    for (const auto& s : sources)
        std::cout << fmt::format("{:<12} {:>12} {:>14} {:>14}\n", text_of(s, "source"), number_of(s, "position"), number_of(s, "beginsAfter"), number_of(s, "events"));
    std::cout << std::flush;
}

// How far the group is of one source, straight from its store.
std::int64_t position_of(local_api& api, const std::string& group, const std::string& source) {
    const auto said = api.post(rewind_target, json::object{{"group", group}, {"source", source}, {"dryRun", true}});
    return number_of(items_of(said, "sources").at(0), "position");
}

void show_progress(local_api& api, const std::string& group, const json::object& step) {
    const auto source = text_of(step, "source");
    const auto from = number_of(step, "beginsAfter"), to = number_of(step, "position");
    std::int64_t shown = -1;
    for (auto at = from; at < to; std::this_thread::sleep_for(250ms)) {
        at = position_of(api, group, source);
        const auto percent = to > from ? std::clamp<std::int64_t>((at - from) * 100 / (to - from), 0, 100) : 100;
        if (std::exchange(shown, percent) != percent) std::cout << fmt::format("{}  position {} of {}  {} %\n", source, std::min(at, to), to, percent) << std::flush;
    }
}

int rewind(const common& c, const options& o) {
    auto request = request_of(o);
    local_api api(c);
    request["dryRun"] = true;
    const auto plan = api.post(rewind_target, request);
    const auto& steps = items_of(plan, "sources");
    std::int64_t events = 0;
    for (const auto& s : steps) events += number_of(s, "events");
    print(steps);
    if (events == 0) {
        std::cout << "Nothing is to be applied again.\n";
        return done;
    }
    if (!confirm(fmt::format("Have {} apply {} events again?", o.group, events), o.yes)) return wrong_state;
    request["dryRun"] = false;
    const auto answer = api.post(rewind_target, request);
    if (o.wait)
        for (const auto& s : items_of(answer, "sources")) show_progress(api, o.group, s.as_object());
    std::cout << (o.wait ? "Done.\n" : "It is under way; bv events list shows how far.\n");
    return done;
}

}  // namespace

void add_events(CLI::App& parser, common& c) {
    auto o = std::make_shared<options>();
    auto* events = parser.add_subcommand("events", "Consumer groups: how far they are, and applying events again.");
    events->require_subcommand(1);
    auto* l = events->add_subcommand("list", "List the groups with their positions and how far each is behind.");
    l->add_flag("--json", o->as_json, "for programs");
    l->callback([o, &c] { c.exit = list(c, *o); });
    auto* r = events->add_subcommand("rewind", "Have a group apply events again. Shows what it will do, and asks. Refused for a group whose effects would be doubled.");
    r->add_option("group", o->group, "the consumer group")->required();
    r->add_option("--to", o->to, "the first event to apply again: beginning (the oldest that is kept), a time such as 2026-01-31T09:00:00Z, or a position")->required();
    r->add_option("--source", o->source, "only what the group reads of this source");
    r->add_flag("--yes,-y", o->yes, "do not ask");
    r->add_flag("!--no-wait", o->wait, "do not wait until they are applied");
    r->callback([o, &c] { c.exit = rewind(c, *o); });
}

}  // namespace bv::cli
