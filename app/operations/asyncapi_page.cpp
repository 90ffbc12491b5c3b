#include "app/operations/asyncapi_page.hpp"

#include <utility>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "platform/events/registry/schema_notes.hpp"

namespace bv::operations {

namespace {

namespace json = boost::json;

// Calls visit(source, message) for every message of every channel.
template <class Visit>
void each_message(json::value& document, Visit visit) {
    auto& messages = document.at("components").at("messages");
    for (auto& [source, channel] : document.at("channels").as_object())
        for (const auto& [_, to] : channel.at("messages").as_object()) {
            const std::string_view path = to.at("$ref").as_string();
            visit(std::string_view(source), messages.at(path.substr(path.rfind('/') + 1)));
        }
}

std::string subject_of(std::string_view prefix, std::string_view source, const json::value& message) {
    return fmt::format("{}{}-{}", prefix, source, std::string_view(message.at("name").as_string()));
}

http::response answer(std::string body) {
    http::response out;
    out.status = 200;
    out.content_type = "application/json";
    out.body = std::move(body);
    return out;
}

task<http::response> with_schemas_of(app::modules* modules, std::string prefix, std::string_view document) {
    events::registry::schema_notes notes(modules->database("log"));
    co_return answer(with_schemas(document, prefix, co_await notes.newest(subjects_of(document, prefix))));
}

}  // namespace

std::vector<std::string> subjects_of(std::string_view document, std::string_view prefix) {
    auto parsed = json::parse(document);
    std::vector<std::string> out;
    each_message(parsed, [&](std::string_view source, const json::value& m) { out.push_back(subject_of(prefix, source, m)); });
    return out;
}

std::string with_schemas(std::string_view document, std::string_view prefix, const std::map<std::string, events::registry::registered>& by_subject) {
    auto out = json::parse(document);
    for (auto& [source, channel] : out.at("channels").as_object()) channel.at("bindings").at("kafka").as_object()["topic"] = fmt::format("{}{}", prefix, std::string_view(source));
    each_message(out, [&](std::string_view source, json::value& m) {
        auto& binding = m.at("bindings").at("kafka").as_object();
        const auto subject = subject_of(prefix, source, m);
        binding["schemaIdLocation"] = "payload";
        binding["schemaIdPayloadEncoding"] = "confluent";
        binding["schemaLookupStrategy"] = "TopicRecordNameStrategy";
        binding["x-schema-subject"] = subject;
        const auto known = by_subject.find(subject);
        if (known == by_subject.end()) return;
        binding["x-schema-id"] = known->second.id;
        binding["x-schema-version"] = known->second.version;
    });
    return json::serialize(out);
}

rpc::raw_route asyncapi_route(app::modules& modules, const embedded_file& document) {
    return {"GET", "/asyncapi.json", [m = &modules, prefix = modules.of().settings.get<std::string>("kafka.prefix"), text = std::string_view(document.text)](http::request&) {
                return with_schemas_of(m, prefix, text);
            }};
}

}  // namespace bv::operations
