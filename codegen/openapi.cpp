#include "codegen/openapi.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include "codegen/names.hpp"
#include "codegen/openapi_operation.hpp"
#include "codegen/openapi_schema.hpp"
#include "codegen/options.hpp"

namespace bv::codegen {
namespace {

using files = std::vector<const pb::FileDescriptor*>;

// Operations by path, then by verb.
using path_table = std::map<std::string, std::map<std::string, operation>>;

path_table paths_of(const files& all) {
    path_table out;
    for (const pb::FileDescriptor* file : all)
        for (int s = 0; s < file->service_count(); ++s)
            for (int m = 0; m < file->service(s)->method_count(); ++m)
                for (operation& o : operations_of(*file->service(s)->method(m))) {
                    const std::string path = o.path, verb = o.verb;
                    out[path].emplace(verb, std::move(o));
                }
    // A resource with an ETag is deleted and changed under If-Match.
    for (auto& [path, verbs] : out) {
        const auto read = verbs.find("get");
        const bool tagged = read != verbs.end() && read->second.method->output_type()->FindFieldByName("etag") != nullptr;
        for (auto& [verb, o] : verbs) o.takes_if_match = tagged && verb != "get" && verb != "post";
    }
    return out;
}

void write_info(json_document& out, const files& all) {
    out.member("openapi", "3.1.0");
    out.open_object("info");
    out.member("title", "BitVelocity");
    out.member("version", "1");
    out.member("description",
               "Canonical proto3 JSON: 64-bit integers are strings, times are RFC 3339, fields that have their default are left out of answers. "
               "Errors are application/problem+json (RFC 9457) with a stable `reason`.");
    out.close();
    out.open_array("servers");
    out.open_object();
    out.member("url", "/");
    out.close();
    out.close();
    out.open_array("tags");
    for (const pb::FileDescriptor* file : all) {
        for (int i = 0; i < file->service_count(); ++i) {
            out.open_object();
            out.member("name", file->service(i)->name());
            if (const description said = description_of(*file->service(i)); !said.summary.empty()) out.member("description", said.whole());
            out.close();
        }
    }
    out.close();
}

void write_problem_schema(json_document& out) {
    out.open_object("Problem");
    out.member("description", "RFC 9457 problem details.");
    out.member("type", "object");
    out.open_object("properties");
    constexpr std::array<std::array<const char*, 3>, 6> members{{
        {"type", "string", "urn:bitvelocity:problem:… or about:blank"},
        {"title", "string", "The reason in words."},
        {"detail", "string", "What is wrong, where, and how to mend it."},
        {"reason", "string", "Stable, for programs: OUT_OF_STOCK."},
        {"status", "integer", "The HTTP status."},
        {"trace_id", "string", "Leads to the trace and the log."},
    }};
    for (const auto& [name, type, said] : members) {
        out.open_object(name);
        out.member("type", type);
        out.member("description", said);
        out.close();
    }
    out.open_object("violations");
    out.member("type", "array");
    out.open_object("items");
    out.member("type", "object");
    out.open_object("properties");
    for (const char* name : {"field", "description"}) {
        out.open_object(name);
        out.member("type", "string");
        out.close();
    }
    out.close();
    out.member("required", std::vector<std::string>{"field", "description"});
    out.close();
    out.close();
    out.close();
    out.member("required", std::vector<std::string>{"type", "title", "status", "detail"});
    out.close();
}

void write_responses(json_document& out) {
    out.open_object("responses");
    for (const problem_kind& kind : problem_kinds) {
        out.open_object(kind.name);
        out.member("description", kind.description);
        if (kind.retry_after) {
            out.open_object("headers");
            out.open_object("Retry-After");
            out.member("description", "Seconds to wait before trying again.");
            out.open_object("schema");
            out.member("type", "integer");
            out.close();
            out.close();
            out.close();
        }
        out.open_object("content");
        out.open_object("application/problem+json");
        out.open_object("schema");
        out.member("$ref", "#/components/schemas/Problem");
        for (int i = 0; i < 4; ++i) out.close();
    }
    out.close();
}

void write_header_parameter(json_document& out, const char* key, const char* name, const char* said, int longest, const char* pattern) {
    out.open_object(key);
    out.member("name", name);
    out.member("in", "header");
    out.member("description", said);
    out.open_object("schema");
    out.member("type", "string");
    out.member("maxLength", std::int64_t{longest});
    if (pattern != nullptr) out.member("pattern", pattern);
    out.close();
    out.close();
}

void write_security(json_document& out) {
    out.open_object("securitySchemes");
    out.open_object("bearer");
    out.member("type", "http");
    out.member("scheme", "bearer");
    out.member("bearerFormat", "JWT");
    out.member("description", "An access token: of POST /v1/sessions for people, of /oauth2/token for programs.");
    out.close();
    out.open_object("apiKey");
    out.member("type", "apiKey");
    out.member("in", "header");
    out.member("name", "X-Api-Key");
    out.close();
    out.close();
}

void write_components(json_document& out, schema_names& names) {
    out.open_object("components");
    out.open_object("schemas");
    write_problem_schema(out);
    for (auto open = names.take(); !open.empty(); open = names.take()) {
        for (const pb::Descriptor* m : open) {
            out.open_object(schema_names::name_of(*m));
            write_object_schema(out, *m, names);
            out.close();
        }
    }
    out.close();
    out.open_object("parameters");
    write_header_parameter(out, "IdempotencyKey", "Idempotency-Key", "A repeat of the request under the same key gets the first answer. A UUID is a good key.", 255,
                           "^[ -~]*$");
    write_header_parameter(out, "IfMatch", "If-Match", "Only when the resource still has this ETag; else 412.", 1024, "^[ -~]*$");
    write_header_parameter(out, "IfNoneMatch", "If-None-Match", "304 when the resource still has this ETag.", 1024, "^[ -~]*$");
    out.close();
    write_responses(out);
    write_security(out);
    out.close();
}

}  // namespace

std::string openapi_document(const files& all) {
    json_document out;
    schema_names names;
    out.open_object();
    write_info(out, all);
    out.open_object("paths");
    for (const auto& [path, verbs] : paths_of(all)) {
        out.open_object(path);
        for (const auto& [verb, o] : verbs) {
            out.open_object(verb);
            write_operation(out, o, names);
            out.close();
        }
        out.close();
    }
    out.close();
    write_components(out, names);
    out.close();
    return out.str() + '\n';
}

}  // namespace bv::codegen
