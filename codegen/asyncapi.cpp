#include "codegen/asyncapi.hpp"

#include <array>
#include <map>
#include <utility>

#include "codegen/json_document.hpp"
#include "codegen/openapi_schema.hpp"
#include "codegen/options.hpp"

namespace bv::codegen {
namespace {

namespace ours = ::bitvelocity::options::v1;
using files = std::vector<const pb::FileDescriptor*>;
using messages = std::vector<const pb::Descriptor*>;

std::string key_of(const pb::Descriptor& m) { return m.options().GetExtension(ours::event_key); }
std::string source_of(const pb::FileDescriptor& f) { return f.options().GetExtension(ours::event_source); }

messages events_of(const pb::FileDescriptor& file) {
    messages out;
    for (int i = 0; i < file.message_type_count(); ++i)
        if (!key_of(*file.message_type(i)).empty()) out.push_back(file.message_type(i));
    return out;
}

// "PaymentRequested" → "Payment requested": what a reader is shown.
std::string words_of(const std::string& name) {
    std::string out;
    for (const char c : name) {
        if (!out.empty() && c >= 'A' && c <= 'Z') out += ' ', out += static_cast<char>(c - 'A' + 'a');
        else out += c;
    }
    return out;
}

void refer(json_document& out, std::string_view key, const std::string& to) {
    out.open_object(key);
    out.member("$ref", to);
    out.close();
}

void write_info(json_document& out) {
    out.member("asyncapi", "3.0.0");
    out.open_object("info");
    out.member("title", "BitVelocity events");
    out.member("version", "1");
    out.member("description",
               "What services tell each other. An event is delivered at least once, and those of one key in the order they were published in. "
               "Payloads are the Protobuf messages that the schemas are named after; the schemas show their canonical JSON. "
               "The attributes of CloudEvents 1.0 travel as headers.");
    out.close();
    out.member("defaultContentType", "application/protobuf");
}

void write_channel(json_document& out, const std::string& source, const messages& all) {
    out.open_object(source);
    out.member("address", "{prefix}" + source);
    out.member("title", "Events of the source " + source);
    out.open_object("parameters");
    out.open_object("prefix");
    out.member("description", "The platform's own: another for each platform on the same brokers.");
    out.member("default", "bitvelocity.");
    out.close();
    out.close();
    out.open_object("messages");
    for (const auto* m : all) refer(out, m->name(), "#/components/messages/" + schema_names::name_of(*m));
    out.close();
    out.open_object("bindings");
    out.open_object("kafka");
    out.member("bindingVersion", "0.5.0");
    out.close();
    out.close();
    out.close();
}

void write_operation(json_document& out, const std::string& source, const messages& all) {
    out.open_object("publish-" + source);
    out.member("action", "send");
    out.member("summary", "The source " + source + " publishes what happened to it.");
    refer(out, "channel", "#/channels/" + source);
    out.open_array("messages");
    for (const auto* m : all) refer(out, {}, "#/channels/" + source + "/messages/" + m->name());
    out.close();
    out.close();
}

void write_message(json_document& out, const pb::Descriptor& m, schema_names& names) {
    out.open_object(schema_names::name_of(m));
    out.member("name", m.full_name());
    out.member("title", words_of(m.name()));
    if (const description said = description_of(m); !said.summary.empty()) {
        out.member("summary", said.summary);
        if (!said.rest.empty()) out.member("description", said.rest);
    }
    out.member("contentType", "application/protobuf");
    out.open_array("traits");
    refer(out, {}, "#/components/messageTraits/CloudEvent");
    out.close();
    refer(out, "payload", names.reference(m));
    out.open_object("bindings");
    out.open_object("kafka");
    out.open_object("key");
    out.member("type", "string");
    out.member("description", "The message's " + key_of(m) + ".");
    out.close();
    out.member("bindingVersion", "0.5.0");
    out.close();
    out.close();
    out.close();
}

void write_trait(json_document& out) {
    constexpr std::array<std::array<const char*, 3>, 9> headers{{
        {"ce_specversion", "1.0", "CloudEvents."},
        {"ce_id", "uuid", "The event's own: the same when it is delivered again."},
        {"ce_source", nullptr, "The publishing service."},
        {"ce_type", nullptr, "The full name of the Protobuf message."},
        {"ce_time", "date-time", "When it was published."},
        {"ce_subject", nullptr, "The key."},
        {"ce_traceparent", nullptr, "The trace that it belongs to (W3C Trace Context)."},
        {"traceparent", nullptr, "The span of its sending, where the trace is recorded."},
        {"ce_position", nullptr, "Its position in the source's outbox: grows along the events of a key."},
    }};
    out.open_object("messageTraits");
    out.open_object("CloudEvent");
    out.open_object("headers");
    out.member("type", "object");
    out.open_object("properties");
    for (const auto& [name, form, said] : headers) {
        out.open_object(name);
        out.member("type", "string");
        if (form != nullptr) out.member(std::string_view(form) == "1.0" ? "const" : "format", form);
        out.member("description", said);
        out.close();
    }
    out.close();
    out.member("required", std::vector<std::string>{"ce_specversion", "ce_id", "ce_source", "ce_type", "ce_time", "ce_position"});
    for (int i = 0; i < 3; ++i) out.close();
}

void write_components(json_document& out, const std::map<std::string, messages>& sources) {
    schema_names names;
    out.open_object("components");
    write_trait(out);
    out.open_object("messages");
    for (const auto& [source, all] : sources)
        for (const auto* m : all) write_message(out, *m, names);
    out.close();
    out.open_object("schemas");
    for (auto open = names.take(); !open.empty(); open = names.take()) {
        for (const auto* m : open) {
            out.open_object(schema_names::name_of(*m));
            write_object_schema(out, *m, names);
            out.close();
        }
    }
    out.close();
    out.close();
}

}  // namespace

std::string fault_of_events(const pb::FileDescriptor& file) {
    const auto all = events_of(file);
    if (all.empty() != source_of(file).empty()) return all.empty() ? "it has an event_source, and no message with an event_key" : "its events need an event_source";
    for (const auto* m : all) {
        const auto* key = field_at(*m, key_of(*m));
        if (key == nullptr || key->is_repeated() || key->type() != pb::FieldDescriptor::TYPE_STRING)
            return m->name() + ": its event_key \"" + key_of(*m) + "\" is no string field of it";
    }
    return {};
}

std::string asyncapi_document(const files& all) {
    std::map<std::string, messages> sources;
    for (const auto* file : all)
        for (const auto* m : events_of(*file)) sources[source_of(*file)].push_back(m);
    json_document out;
    out.open_object();
    write_info(out);
    out.open_object("channels");
    for (const auto& [source, events] : sources) write_channel(out, source, events);
    out.close();
    out.open_object("operations");
    for (const auto& [source, events] : sources) write_operation(out, source, events);
    out.close();
    write_components(out, sources);
    out.close();
    return out.str() + '\n';
}

}  // namespace bv::codegen
