#include "codegen/openapi_operation.hpp"

#include <algorithm>
#include <set>

#include "codegen/names.hpp"

namespace bv::codegen {
namespace {

using field = pb::FieldDescriptor;

constexpr int deepest_query = 3;  // "filter.price.currency"

std::string lower(std::string text) {
    std::ranges::transform(text, text.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return text;
}

// "/v1/{parent=shelves/*}/things/{thing.id}" → "/v1/shelves/{parent}/things/{id}".
void set_path(operation& o) {
    std::string_view rest = o.http.path;
    std::set<std::string> taken;
    while (!rest.empty()) {
        const auto open = rest.find('{');
        o.path += rest.substr(0, open);
        if (open == rest.npos) return;
        const auto close = rest.find('}', open);
        const path_variable v = variables_of(std::string(rest.substr(open, close - open + 1))).front();
        std::string name = v.field.substr(v.field.rfind('.') + 1);
        while (!taken.insert(name).second) name += '_';
        const auto star = v.pattern.find('*');
        o.path += v.pattern.substr(0, star) + '{' + name + '}';
        o.parameters.push_back({name, v.field});
        rest.remove_prefix(close + 1);
    }
}

bool is_bound_by_path(const operation& o, const std::string& name) {
    return std::ranges::any_of(o.parameters, [&](const path_parameter& p) { return p.field == name; });
}

void write_path_parameters(json_document& out, const operation& o, schema_names& names) {
    for (const path_parameter& p : o.parameters) {
        const field& f = *field_at(*o.method->input_type(), p.field);
        const bool is_plain_text = f.type() == field::TYPE_STRING && rule_of(f).format() == 0;
        out.open_object();
        out.member("name", p.name);
        out.member("in", "path");
        out.member("required", true);
        out.open_object("schema");
        write_field_schema(out, f, names);
        if (f.type() == field::TYPE_STRING && !rule_of(f).required() && !rule_of(f).has_min_length()) out.member("minLength", std::int64_t{1});
        // What has a ':' may be taken for a custom method.
        if (is_plain_text) out.member("pattern", "^[A-Za-z0-9._~-]*[A-Za-z0-9_~-][A-Za-z0-9._~-]*$");
        out.close();
        out.close();
    }
}

// An update mask names fields of the resource that may be changed.
void write_mask_pattern(json_document& out, const operation& o) {
    std::string names;
    for (const field* f : update_of(*o.method->input_type()).fields) names += (names.empty() ? "" : "|") + f->json_name();
    out.member("type", "string");
    out.member("description",
               "The fields to change, joined by commas; those that the body does not have are cleared. `*` is all of them: the body replaces the "
               "resource. Without a mask: the fields that the body has, and none when it has none.");
    out.member("pattern", "^(\\*|(" + names + ")(,(" + names + "))*)?$");
}

bool is_query_value(const field& f) {
    if (f.is_map()) return false;
    if (f.message_type() == nullptr) return f.enum_type() == nullptr || f.enum_type()->full_name() != "google.protobuf.NullValue";
    if (!is_well_known(*f.message_type()) || f.is_repeated()) return false;
    const std::string& name = f.message_type()->name();
    return name == "Timestamp" || name == "Duration" || name == "FieldMask" || f.message_type()->file()->name() == "google/protobuf/wrappers.proto";
}

void write_query(json_document& out, const operation& o, const pb::Descriptor& m, const std::string& prefix, int depth, schema_names& names) {
    for (int i = 0; i < m.field_count(); ++i) {
        const field& f = *m.field(i);
        const std::string name = prefix + f.name();
        if (is_bound_by_path(o, name) || (depth == 0 && f.name() == o.http.body) || rule_of(f).output_only()) continue;
        if (!is_query_value(f)) {
            const bool nested = f.message_type() != nullptr && !f.is_repeated() && !is_well_known(*f.message_type()) && depth + 1 < deepest_query;
            if (nested) write_query(out, o, *f.message_type(), name + '.', depth + 1, names);
            continue;
        }
        out.open_object();
        out.member("name", name);
        out.member("in", "query");
        if (is_required(f)) out.member("required", true);
        out.open_object("schema");
        if (depth == 0 && f.name() == "update_mask" && update_of(m).resource != nullptr) write_mask_pattern(out, o);
        else write_field_schema(out, f, names);
        out.close();
        out.close();
    }
}

void write_reference(json_document& out, const char* name) {
    out.open_object();
    out.member("$ref", std::string("#/components/parameters/") + name);
    out.close();
}

bool is_tagged_read(const operation& o) { return o.verb == "get" && o.method->output_type()->FindFieldByName("etag") != nullptr; }

void write_parameters(json_document& out, const operation& o, schema_names& names) {
    out.open_array("parameters");
    write_path_parameters(out, o, names);
    if (o.http.body != "*") write_query(out, o, *o.method->input_type(), "", 0, names);
    if (is_keyed(*o.method)) write_reference(out, "IdempotencyKey");
    if (o.takes_if_match) write_reference(out, "IfMatch");
    if (is_tagged_read(o)) write_reference(out, "IfNoneMatch");
    out.close();
}

// The body without what the path holds; of a PATCH, with nothing required.
void write_body(json_document& out, const operation& o, schema_names& names) {
    if (o.http.body.empty()) return;
    const pb::Descriptor* type = o.method->input_type();
    std::string prefix;
    if (o.http.body != "*") {
        type = type->FindFieldByName(o.http.body)->message_type();
        prefix = o.http.body + '.';
    }
    object_options options{.without = {}, .partial = o.verb == "patch", .request = true};
    bool demands = false;
    for (int i = 0; i < type->field_count(); ++i) {
        if (is_bound_by_path(o, prefix + type->field(i)->name())) options.without.insert(type->field(i)->name());
        else demands = demands || is_required(*type->field(i));
    }
    for (int i = 0; i < type->real_oneof_decl_count(); ++i) demands = demands || one_required(*type->oneof_decl(i));
    const bool streamed = is_streamed(*o.method);
    out.open_object("requestBody");
    if (streamed) out.member("description", "Newline-delimited JSON: one such object a line, as many as there are. Read as it arrives.");
    out.member("required", demands || options.partial);
    out.open_object("content");
    out.open_object(streamed ? "application/x-ndjson" : "application/json");
    out.open_object("schema");
    if (options.without.empty() && !options.partial) out.member("$ref", names.reference(*type));
    else write_object_schema(out, *type, names, options);
    for (int i = 0; i < 4; ++i) out.close();
}

void write_answer(json_document& out, const operation& o, schema_names& names) {
    const pb::Descriptor& type = *o.method->output_type();
    out.open_object("200");
    out.member("description", "OK");
    if (type.FindFieldByName("etag") != nullptr) {
        out.open_object("headers");
        out.open_object("ETag");
        out.member("description", "The version of the resource, for If-Match and If-None-Match.");
        out.open_object("schema");
        out.member("type", "string");
        for (int i = 0; i < 3; ++i) out.close();
    }
    out.open_object("content");
    out.open_object("application/json");
    out.open_object("schema");
    if (is_well_known(type)) out.member("type", "object"), out.member("additionalProperties", type.name() != "Empty");
    else out.member("$ref", names.reference(type));
    for (int i = 0; i < 4; ++i) out.close();
}

bool applies(const operation& o, std::string_view status) {
    const bool writes = o.verb != "get";
    if (status == "404") return writes || !o.parameters.empty();
    if (status == "409") return writes;
    if (status == "412") return o.takes_if_match;
    if (status == "413") return !o.http.body.empty();
    if (status == "414") return true;
    if (status == "415") return !o.http.body.empty();
    if (status == "422") return is_keyed(*o.method);
    return true;
}

void write_answers(json_document& out, const operation& o, schema_names& names) {
    out.open_object("responses");
    write_answer(out, o, names);
    if (is_tagged_read(o)) {
        out.open_object("304");
        out.member("description", "Not changed since the ETag of If-None-Match.");
        out.close();
    }
    for (const problem_kind& kind : problem_kinds) {
        if (!applies(o, kind.status)) continue;
        out.open_object(kind.status);
        out.member("$ref", std::string("#/components/responses/") + kind.name);
        out.close();
    }
    out.close();
}

void write_security(json_document& out, const operation& o) {
    out.open_array("security");
    if (!auth_of(*o.method).anonymous) {
        for (const char* scheme : {"bearer", "apiKey"}) {
            out.open_object();
            out.open_array(scheme);
            out.close();
            out.close();
        }
    }
    out.close();
}

}  // namespace

std::vector<operation> operations_of(const pb::MethodDescriptor& method) {
    std::vector<operation> out;
    for (const http_rule& http : http_of(method)) {
        operation o{.method = &method, .http = http};
        o.id = method.service()->name() + '_' + method.name();
        if (!out.empty()) o.id += std::to_string(out.size() + 1);
        o.verb = lower(http.verb);
        set_path(o);
        out.push_back(std::move(o));
    }
    return out;
}

void write_operation(json_document& out, const operation& o, schema_names& names) {
    const description said = description_of(*o.method);
    const auth rule = auth_of(*o.method);
    std::string scopes;
    for (const std::string& scope : rule.any_scope) scopes += (scopes.empty() ? "Needs the scope `" : "` or `") + scope;
    if (!scopes.empty()) scopes += "`.";
    out.member("operationId", o.id);
    out.member("tags", std::vector<std::string>{o.method->service()->name()});
    out.member("summary", said.summary.empty() ? o.method->name() : said.summary);
    std::string text = said.rest;
    if (!scopes.empty()) text += (text.empty() ? "" : "\n\n") + scopes;
    if (!text.empty()) out.member("description", text);
    write_security(out, o);
    write_parameters(out, o, names);
    write_body(out, o, names);
    write_answers(out, o, names);
}

}  // namespace bv::codegen
