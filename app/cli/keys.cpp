// bv keys: the keys that sign access tokens, and those that encrypt personal data in its columns.
#include <iostream>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "app/cli/local_api.hpp"

namespace bv::cli {

namespace json = boost::json;

namespace {

struct options {
    std::int64_t id = 0;
    int batch_size = 0;
    bool as_json = false, forget_history = false, yes = false;
};

std::int64_t number_of(const json::value& v, std::string_view key) {
    const auto text = text_of(v, key);
    return text.empty() ? 0 : std::stoll(text);
}

void rotate(const common& c) {
    local_api api(c);
    api.post("/v1/platform/keys:rotate", json::object{});
    std::cout << "rotated; GET /.well-known/jwks.json shows the keys\n";
}

void list_fields(const common& c, const options& o) {
    local_api api(c);
    const auto answer = api.get("/v1/platform/fieldKeys");
    if (o.as_json) {
        std::cout << json::serialize(answer) << '\n';
        return;
    }
    std::cout << fmt::format("{:>4} {:<28} {:<10} {:>10} {:>14}\n", "key", "made", "", "values", "in the trail");
    for (const auto& k : items_of(answer, "keys"))
        std::cout << fmt::format("{:>4} {:<28} {:<10} {:>10} {:>14}\n", text_of(k, "id"), text_of(k, "createTime"), text_of(k, "current") == "true" ? "encrypts" : "reads",
                                 number_of(k, "values"), number_of(k, "history"));
}

// How many values columns have under keys that no longer encrypt.
std::int64_t values_under_older(local_api& api) {
    std::int64_t out = 0;
    const auto answer = api.get("/v1/platform/fieldKeys");
    for (const auto& k : items_of(answer, "keys"))
        if (text_of(k, "current") != "true") out += number_of(k, "values");
    return out;
}

int encrypt_again(local_api& api, const options& o) {
    const auto all = values_under_older(api);
    std::int64_t done_so_far = 0;
    std::string after;
    do {
        json::object body{{"batchSize", o.batch_size}};
        if (!after.empty()) body["after"] = after;
        const auto answer = api.post("/v1/platform/fieldKeys:encryptAgain", body);
        done_so_far += number_of(answer, "values");
        after = text_of(answer, "next");
        // A line that is kept up to date on a terminal; one a batch in a log.
        std::cout << fmt::format("{}encrypted again: {} of {} values", on_terminal(1) ? "\r" : "", done_so_far, std::max(all, done_so_far)) << (on_terminal(1) ? "" : "\n") << std::flush;
    } while (!after.empty());
    if (on_terminal(1)) std::cout << '\n';
    const auto left = values_under_older(api);
    if (left == 0) return done;
    std::cout << fmt::format("{} values were written under an older key meanwhile: bv keys encrypt-again goes on\n", left);
    return failed;
}

int rotate_fields(const common& c, const options& o) {
    local_api api(c);
    const auto id = number_of(api.post("/v1/platform/fieldKeys:rotate", json::object{}), "id");
    std::cout << fmt::format("key {} encrypts from now on; values under older keys stay readable\n", id) << std::flush;
    const int code = encrypt_again(api, o);
    if (code == done) std::cout << fmt::format("no column has a value under an older key. bv keys fields lists the keys; bv keys retire-field {} forgets the one before\n", id - 1);
    return code;
}

int retire(const common& c, const options& o) {
    if (o.forget_history &&
        !confirm(fmt::format("Forget key {} for ever? What the audit trail has under it can then be read by nobody.", o.id), o.yes))
        return wrong_state;
    local_api api(c);
    api.post("/v1/platform/fieldKeys:retire", json::object{{"id", o.id}, {"forgetHistory", o.forget_history}});
    std::cout << fmt::format("key {} is forgotten\n", o.id);
    return done;
}

}  // namespace

void add_keys(CLI::App& parser, common& c) {
    auto o = std::make_shared<options>();
    auto* keys = parser.add_subcommand("keys", "The keys that sign access tokens, and those that encrypt personal data.");
    keys->require_subcommand(1);
    keys->add_subcommand("rotate", "Sign with a new key from now on; tokens signed with the old one stay good until they expire.")->callback([&c] { rotate(c); });
    auto* fields = keys->add_subcommand("fields", "List the keys that encrypt personal data, with how many values each has.");
    fields->add_flag("--json", o->as_json, "for programs");
    fields->callback([o, &c] { list_fields(c, *o); });
    auto* anew = keys->add_subcommand("rotate-fields", "Encrypt personal data with a new key from now on, and then what is there. Broken off, encrypt-again goes on.");
    auto* again = keys->add_subcommand("encrypt-again", "Encrypt what is under older keys again, under the current one. Exit 1 when some is left.");
    for (auto* command : {anew, again}) command->add_option("--batch-size", o->batch_size, "rows a transaction (default 500)")->check(CLI::Range(1, 5000));
    anew->callback([o, &c] { c.exit = rotate_fields(c, *o); });
    again->callback([o, &c] {
        local_api api(c);
        c.exit = encrypt_again(api, *o);
    });
    auto* retired = keys->add_subcommand("retire-field", "Forget an older key of personal data. Refused while a value needs it.");
    retired->add_option("key", o->id, "its number in bv keys fields")->required()->check(CLI::Range(std::int64_t{1}, std::int64_t{4294967295}));
    retired->add_flag("--forget-history", o->forget_history, "also when the audit trail has values under it, which nobody can read then. Asks first");
    retired->add_flag("--yes,-y", o->yes, "do not ask");
    retired->callback([o, &c] { c.exit = retire(c, *o); });
}

}  // namespace bv::cli
