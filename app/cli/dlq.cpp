// bv dlq: dead letters, and jobs that were given up. bv projections: the read models.
#include <iostream>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "app/cli/local_api.hpp"
#include "platform/core/error.hpp"
#include "platform/net/http/message.hpp"

namespace bv::cli {

namespace json = boost::json;

namespace {

struct options {
    std::string group, id, key;
    bool all = false, as_json = false, yes = false;
};

int list(const common& c, const options& o) {
    local_api api(c);
    const auto answer = api.get(fmt::format("/v1/platform/deadLetters?page_size=1000&include_resolved={}&group={}", o.all, http::percent_encode(o.group)));
    if (o.as_json) {
        std::cout << json::serialize(answer) << '\n';
        return done;
    }
    const auto& letters = items_of(answer, "deadLetters");
    if (letters.empty()) {
        std::cout << "No dead letters" << (o.all ? "" : " wait") << ".\n";
        return done;
    }
    std::cout << fmt::format("{:<22} {:<10} {:<36} {:<22} {:<36} {}\n", "group", "state", "event", "type", "key", "error");
    for (const auto& d : letters) {
        auto type = text_of(d, "type");
        type.erase(0, type.rfind('.') + 1);
        std::cout << fmt::format("{:<22} {:<10} {:<36} {:<22} {:<36} {}\n", text_of(d, "group"), text_of(d, "state"), text_of(d, "eventId"), type, text_of(d, "key"), text_of(d, "error"));
    }
    std::cout << "\nbv dlq show GROUP EVENT shows one; bv dlq replay GROUP applies them again, in order per key.\n";
    return done;
}

int show(const common& c, const options& o) {
    local_api api(c);
    const auto d = api.get(fmt::format("/v1/platform/deadLetters/{}/{}", http::percent_encode(o.group), http::percent_encode(o.id)));
    if (o.as_json) {
        std::cout << json::serialize(d) << '\n';
        return done;
    }
    for (const char* field : {"group", "source", "eventId", "type", "key", "time", "state", "attempts", "error", "lastFailureTime", "traceId"})
        std::cout << fmt::format("{:<16} {}\n", field, text_of(d, field));
    std::cout << "payload\n" << text_of(d, "payload") << '\n';
    return done;
}

json::object target(const options& o) {
    json::object body{{"group", o.group}};
    if (!o.id.empty()) body["eventId"] = o.id;
    if (!o.key.empty()) body["key"] = o.key;
    return body;
}

int replay(const common& c, const options& o) {
    local_api api(c);
    const auto answer = api.post("/v1/platform/deadLetters:replay", target(o));
    const auto number = [&](const char* key) { const auto text = text_of(answer, key); return text.empty() ? std::string("0") : text; };
    std::cout << fmt::format("replayed {}, failed {}\n", number("replayed"), number("failed"));
    if (const auto e = text_of(answer, "firstError"); !e.empty()) std::cout << "first error: " << e << '\n';
    return number("failed") == "0" ? done : failed;
}

int discard(const common& c, const options& o) {
    if (!confirm(fmt::format("Give up {} of {}? Their effects will be missing.", o.id.empty() && o.key.empty() ? "all dead letters" : "these dead letters", o.group), o.yes))
        return wrong_state;
    local_api api(c);
    const auto answer = api.post("/v1/platform/deadLetters:discard", target(o));
    std::cout << "discarded " << (text_of(answer, "discarded").empty() ? "0" : text_of(answer, "discarded")) << '\n';
    return done;
}

void add_target(CLI::App* command, options& o) {
    command->add_option("group", o.group, "the consumer group")->required();
    command->add_option("--id", o.id, "only this event, with those of its key before it");
    command->add_option("--key", o.key, "only events of this key");
}

}  // namespace

void add_dlq(CLI::App& parser, common& c) {
    auto o = std::make_shared<options>();
    auto* dlq = parser.add_subcommand("dlq", "Dead letters: events that a consumer could not apply, and jobs that were given up (their group is their queue).");
    dlq->require_subcommand(1);
    auto* l = dlq->add_subcommand("list", "List those that wait for an answer.");
    l->add_option("--group", o->group, "only of this consumer group");
    l->add_flag("--all", o->all, "resolved ones too");
    l->add_flag("--json", o->as_json, "for programs");
    l->callback([o, &c] { c.exit = list(c, *o); });
    auto* s = dlq->add_subcommand("show", "Show one, with its payload.");
    s->add_option("group", o->group, "the consumer group")->required();
    s->add_option("event", o->id, "the event's id")->required();
    s->add_flag("--json", o->as_json, "for programs");
    s->callback([o, &c] { c.exit = show(c, *o); });
    auto* r = dlq->add_subcommand("replay", "Apply them again, in order per key; jobs get their attempts back. Exit 1 when one fails again.");
    add_target(r, *o);
    r->callback([o, &c] { c.exit = replay(c, *o); });
    auto* d = dlq->add_subcommand("discard", "Give them up. Asks first.");
    add_target(d, *o);
    d->add_flag("--yes,-y", o->yes, "do not ask");
    d->callback([o, &c] { c.exit = discard(c, *o); });
}

void add_projections(CLI::App& parser, common& c) {
    auto* projections = parser.add_subcommand("projections", "The read models of orders.");
    projections->require_subcommand(1);
    projections->add_subcommand("rebuild", "Empty them and fold them again from the events.")->callback([&c] {
        local_api api(c);
        std::cout << "rebuilt from " << text_of(api.post("/v1/platform/projections:rebuild", json::object{}), "orders") << " orders\n";
    });
}

}  // namespace bv::cli
