#include "platform/events/registry/registrar.hpp"

#include <fmt/format.h>

#include "platform/events/registry/compatibility.hpp"
#include "platform/events/registry/wire_format.hpp"
#include "platform/telemetry/log.hpp"
#include "platform/telemetry/metrics.hpp"

namespace bv::events::registry {
namespace {

// Event types are added to a topic as time goes by, and fields to types; no older record is ever rewritten (ADR 0028).
constexpr const char* level = "BACKWARD_TRANSITIVE";
constexpr std::size_t most_schemas = 4'096;  // that are kept in memory: ids come from records, which others may write

// TopicRecordNameStrategy: a topic has events of several types.
std::string subject_of(const std::string& topic, const std::string& type) { return topic + '-' + type; }

}  // namespace

registrar::registrar(registrar_options o, pg::database& d, clock& c) : options_(std::move(o)), clock_(c), client_(options_.registry), notes_(d) {}

std::optional<std::string> registrar::known_prefix(const std::string& topic, const std::string& type) const {
    const std::lock_guard hold(mutex_);
    const auto it = prefixes_.find(std::pair(topic, type));
    if (it == prefixes_.end()) return std::nullopt;
    return it->second;
}

task<result<std::string>> registrar::prefix_of(std::string topic, std::string type) {
    if (auto known = known_prefix(topic, type)) co_return std::move(*known);
    std::map<std::string, reference> there;  // by type
    placed root;
    const auto all = schemas_of(type);
    for (const auto& s : all) {
        const bool is_root = s.type == type;
        const auto subject = is_root ? subject_of(topic, type) : options_.prefix + s.type;
        std::vector<reference> uses;
        for (const auto& u : s.uses) uses.push_back({u.import, there.at(u.type).subject, there.at(u.type).version});
        auto at = co_await place(subject, s, std::move(uses));
        if (!at) {
            if (at.error().code != code::unavailable) tell_refused(topic, type, at.error().message);
            co_return std::unexpected(std::move(at.error()));
        }
        there[s.type] = {{}, subject, at->version};
        root = *at;
    }
    const std::vector<std::int32_t> first{0};
    auto prefix = all.empty() ? std::string{} : frame_prefix(root.id, first);
    const std::lock_guard hold(mutex_);
    refused_.erase({topic, type});
    co_return prefixes_[{topic, type}] = std::move(prefix);
}

// Where the subject has the schema, which it gets when it has not.
task<result<registrar::placed>> registrar::place(std::string subject, schema s, std::vector<reference> uses) {
    const auto fingerprint = fingerprint_of(s.text, uses);
    const auto noted = co_await notes_.find(subject, fingerprint);
    std::optional<error> away;
    result<placed> fresh;
    if (is_left_alone()) away = error{code::unavailable, "REGISTRY_AWAY", trouble()};
    try {
        if (!away) fresh = co_await find_or_add(subject, s, std::move(uses), noted.has_value());
    } catch (const failure& f) {
        if (f.error().reason != "REGISTRY_AWAY") throw;
        away = f.error();
        tell_away(*away);
    }
    if (!fresh && fresh.error().reason == "REGISTRY_LOGIN") {  // who is not let in goes on as if nobody were there
        away = error{code::unavailable, "REGISTRY_AWAY", fresh.error().message};
        tell_away(*away);
    }
    if (away && noted) co_return placed{noted->id, noted->version};
    if (away) co_return std::unexpected(std::move(*away));
    tell_answers();
    if (fresh && noted && noted->id != fresh->id)
        co_return fail(code::failed_precondition, "REGISTRY_REPLACED",
                       fmt::format("the schema registry at {} gives schema {} of {} the id {}, and records with the id {} are there: it is not the one that gave it, or has lost "
                                   "what it had. Restore it, or begin with topics of another kafka.prefix", client_.url(), noted->version, subject, fresh->id, noted->id));
    if (fresh && !noted) co_await notes_.note(subject, fingerprint, {fresh->id, fresh->version, s.text});
    co_return fresh;
}

task<result<registrar::placed>> registrar::find_or_add(std::string subject, schema s, std::vector<reference> uses, bool is_noted) {
    // Few calls: a platform has some dozens of schemas, and a registry may be far away.
    std::vector<std::int32_t> versions;
    if (!is_noted) {
        auto there = co_await client_.versions(subject);
        if (!there) co_return std::unexpected(std::move(there.error()));
        versions = std::move(*there);
    }
    if (is_noted || !versions.empty()) {
        const auto found = co_await client_.find(subject, s.text, uses);
        if (!found) co_return std::unexpected(found.error());
        if (*found) co_return placed{(*found)->id, (*found)->version};
    }
    co_return co_await add(std::move(subject), std::move(s), std::move(uses), std::move(versions));
}

task<result<registrar::placed>> registrar::add(std::string subject, schema s, std::vector<reference> uses, std::vector<std::int32_t> versions) {
    if (auto checked = co_await check(subject, s.text, versions); !checked) co_return std::unexpected(std::move(checked.error()));
    auto added = co_await client_.add(subject, s.text, uses);
    if (!added) {
        added.error().message = fmt::format("{}: {}", subject, added.error().message);
        co_return std::unexpected(std::move(added.error()));
    }
    placed out{*added, 1};
    if (versions.empty()) {
        // A guard for writers that are none of ours; who may not set it is bound by the check above all the same.
        if (const auto set = co_await client_.set_compatibility(subject, level); !set)
            telemetry::warn("schemas.compatibility_not_set", {{"subject", subject}, {"message", set.error().message}});
    } else {
        const auto found = co_await client_.find(subject, s.text, std::move(uses));
        if (!found) co_return std::unexpected(found.error());
        if (!*found) co_return fail(code::invalid_argument, "REGISTRY_REFUSED", fmt::format("the schema registry took a version of {} and has not got it", subject));
        out.version = (*found)->version;
    }
    telemetry::info("schemas.registered", {{"subject", subject}, {"version", out.version}, {"schema", out.id}});
    telemetry::count("bv_schemas_registered_total", "Schemas that the registry did not have before").add();
    co_return out;
}

// The rule that holds whatever the registry's own is: against every version that there is.
task<result<void>> registrar::check(std::string subject, std::string text, std::vector<std::int32_t> versions) {
    const auto newer = parse_schema(text);
    if (!newer) co_return std::unexpected(newer.error());
    for (const auto v : versions) {
        const auto old = co_await client_.at(subject, v);
        if (!old) co_return std::unexpected(old.error());
        const auto older = parse_schema(old->text);
        if (!older) continue;  // nobody of ours wrote it
        const auto found = breaches(*older, *newer);
        if (!found.empty())
            co_return fail(code::failed_precondition, "INCOMPATIBLE_SCHEMA",
                           fmt::format("{} version {}: {}. Nothing of its source is published: take the change back, or make it an event of another name", subject, v, found.front().str()));
    }
    co_return result<void>{};
}

fit registrar::fits(std::int32_t id, const std::vector<std::int32_t>& message, const std::string& type) const {
    const std::lock_guard hold(mutex_);
    const auto it = schemas_.find(id);
    if (it == schemas_.end()) return fit::unknown;
    return it->second && message_at(*it->second, message) == type ? fit::yes : fit::no;
}

task<void> registrar::resolve(std::int32_t id) {
    auto text = co_await notes_.text_of(id);
    if (!text) {
        if (is_left_alone()) throw failure(code::unavailable, "REGISTRY_AWAY", trouble());
        std::optional<error> away;
        try {
            auto said = co_await client_.text_of(id);
            if (said) text = std::move(*said);
            else away = said.error();
        } catch (const failure& f) {
            away = f.error();
        }
        if (away) {
            tell_away(*away);
            throw failure(*away);
        }
        tell_answers();
    }
    std::shared_ptr<const google::protobuf::FileDescriptorProto> parsed;
    if (text)
        if (auto file = parse_schema(*text)) parsed = std::make_shared<const google::protobuf::FileDescriptorProto>(std::move(*file));
    const std::lock_guard hold(mutex_);
    if (schemas_.size() >= most_schemas) schemas_.clear();
    schemas_[id] = std::move(parsed);
}

task<void> registrar::look() {
    std::optional<error> wrong;
    try {
        if (const auto said = co_await client_.probe(); !said) wrong = said.error();
    } catch (const failure& f) {
        wrong = f.error();
    }
    if (wrong) tell_away(*wrong);
    else tell_answers();
}

bool registrar::is_left_alone() const {
    const std::lock_guard hold(mutex_);
    return clock_.steady_now() < alone_until_;
}

void registrar::tell_away(const error& why) {
    const std::lock_guard hold(mutex_);
    if (away_.empty()) telemetry::warn("schemas.registry_away", {{"message", why.message}});
    away_ = why.message;
    alone_until_ = clock_.steady_now() + options_.pause;
}

void registrar::tell_answers() {
    const std::lock_guard hold(mutex_);
    if (!away_.empty()) telemetry::info("schemas.registry_answers", {{"url", client_.url()}});
    away_.clear();
    alone_until_ = {};
}

void registrar::tell_refused(const std::string& topic, const std::string& type, const std::string& why) {
    const std::lock_guard hold(mutex_);
    auto& known = refused_[{topic, type}];
    if (known != why) telemetry::error("schemas.refused", {{"topic", topic}, {"type", type}, {"message", why}});
    known = why;
}

std::string registrar::trouble() const {
    const std::lock_guard hold(mutex_);
    if (!refused_.empty()) return refused_.begin()->second;
    if (!away_.empty()) return away_ + ": events whose schemas it knows go on, others wait until it does";
    return {};
}

}  // namespace bv::events::registry
