#include "codegen/options.hpp"

#include <set>

#include "google/api/annotations.pb.h"

namespace bv::codegen {
namespace {

namespace ours = ::bitvelocity::options::v1;

http_rule flat(const google::api::HttpRule& r) {
    switch (r.pattern_case()) {
    case google::api::HttpRule::kGet: return {"GET", r.get(), r.body()};
    case google::api::HttpRule::kPut: return {"PUT", r.put(), r.body()};
    case google::api::HttpRule::kPost: return {"POST", r.post(), r.body()};
    case google::api::HttpRule::kDelete: return {"DELETE", r.delete_(), r.body()};
    case google::api::HttpRule::kPatch: return {"PATCH", r.patch(), r.body()};
    case google::api::HttpRule::kCustom: return {r.custom().kind(), r.custom().path(), r.body()};
    case google::api::HttpRule::PATTERN_NOT_SET: break;
    }
    return {};
}

std::string fault_of(const pb::MethodDescriptor& method, const http_rule& http) {
    if (http.path.empty() || http.path.front() != '/') return "its HTTP path must begin with '/'";
    for (const path_variable& v : variables_of(http.path)) {
        const pb::FieldDescriptor* f = field_at(*method.input_type(), v.field);
        if (f == nullptr) return "its HTTP path names '" + v.field + "', which the request does not have";
        if (f->is_repeated() || f->cpp_type() == pb::FieldDescriptor::CPPTYPE_MESSAGE) return "its HTTP path names '" + v.field + "', which is not a single value";
    }
    if (http.body.empty() || http.body == "*") return {};
    const pb::FieldDescriptor* f = method.input_type()->FindFieldByName(http.body);
    if (f == nullptr) return "its HTTP body names '" + http.body + "', which the request does not have";
    if (f->is_repeated() || f->cpp_type() != pb::FieldDescriptor::CPPTYPE_MESSAGE) return "its HTTP body '" + http.body + "' must be a single message";
    return {};
}

bool has_own_checks(const pb::Descriptor& m) {
    for (int i = 0; i < m.field_count(); ++i) {
        const pb::FieldDescriptor& f = *m.field(i);
        const bool checked_enum = f.cpp_type() == pb::FieldDescriptor::CPPTYPE_ENUM && f.enum_type()->full_name() != "google.protobuf.NullValue";
        if (f.options().HasExtension(ours::rule) || checked_enum) return true;
    }
    for (int i = 0; i < m.real_oneof_decl_count(); ++i)
        if (one_required(*m.oneof_decl(i))) return true;
    return update_of(m).resource != nullptr;
}

bool has_own_pii(const pb::Descriptor& m) {
    for (int i = 0; i < m.field_count(); ++i)
        if (is_pii(*m.field(i))) return true;
    return false;
}

bool reaches(const pb::Descriptor& m, const std::function<bool(const pb::Descriptor&)>& wanted, std::set<const pb::Descriptor*>& seen) {
    if (m.file()->package() == "google.protobuf" || !seen.insert(&m).second) return false;
    if (wanted(m)) return true;
    for (int i = 0; i < m.field_count(); ++i)
        if (m.field(i)->message_type() != nullptr && reaches(*m.field(i)->message_type(), wanted, seen)) return true;
    return false;
}

bool has_update_mask(const pb::Descriptor& m) {
    const pb::FieldDescriptor* f = m.FindFieldByName("update_mask");
    return f != nullptr && !f->is_repeated() && f->message_type() != nullptr && f->message_type()->full_name() == "google.protobuf.FieldMask";
}

// The bindings by which the request changes one of its fields, a resource.
std::vector<http_rule> patches_of(const pb::Descriptor& request) {
    std::vector<http_rule> out;
    for (int s = 0; has_update_mask(request) && s < request.file()->service_count(); ++s) {
        const pb::ServiceDescriptor& service = *request.file()->service(s);
        for (int i = 0; i < service.method_count(); ++i) {
            if (service.method(i)->input_type() != &request) continue;
            for (http_rule& r : http_of(*service.method(i)))
                if (r.verb == "PATCH" && !r.body.empty() && r.body != "*") out.push_back(std::move(r));
        }
    }
    return out;
}

}  // namespace

const rule& rule_of(const pb::FieldDescriptor& f) { return f.options().GetExtension(ours::rule); }
bool is_pii(const pb::FieldDescriptor& f) { return f.options().GetExtension(ours::pii); }
bool one_required(const pb::OneofDescriptor& o) { return o.options().GetExtension(ours::one_required); }

auth auth_of(const pb::MethodDescriptor& method) {
    const auto& option = method.options().GetExtension(ours::auth);
    return {option.anonymous(), {option.any_scope().begin(), option.any_scope().end()}, {option.callers().begin(), option.callers().end()}};
}

bool is_safe_to_repeat(const pb::MethodDescriptor& m) { return m.options().GetExtension(ours::idempotent) == ours::IDEMPOTENT_SAFE; }
bool is_keyed(const pb::MethodDescriptor& m) { return m.options().GetExtension(ours::idempotent) == ours::IDEMPOTENT_BY_KEY; }

bool is_streamed(const pb::MethodDescriptor& m) { return m.client_streaming() || m.server_streaming(); }

std::vector<http_rule> http_of(const pb::MethodDescriptor& method) {
    if (!method.options().HasExtension(google::api::http)) return {};
    const google::api::HttpRule& first = method.options().GetExtension(google::api::http);
    std::vector<http_rule> out{flat(first)};
    for (const auto& more : first.additional_bindings()) out.push_back(flat(more));
    return out;
}

std::vector<path_variable> variables_of(const std::string& path) {
    std::vector<path_variable> out;
    for (auto open = path.find('{'); open != std::string::npos; open = path.find('{', open + 1)) {
        const auto close = path.find('}', open);
        if (close == std::string::npos) break;
        const std::string inside = path.substr(open + 1, close - open - 1);
        const auto equals = inside.find('=');
        out.push_back({inside.substr(0, equals), equals == std::string::npos ? "*" : inside.substr(equals + 1)});
    }
    return out;
}

const pb::FieldDescriptor* field_at(const pb::Descriptor& m, const std::string& dotted) {
    const auto dot = dotted.find('.');
    const pb::FieldDescriptor* f = m.FindFieldByName(dotted.substr(0, dot));
    if (f == nullptr || dot == std::string::npos) return f;
    if (f->is_repeated() || f->message_type() == nullptr) return nullptr;
    return field_at(*f->message_type(), dotted.substr(dot + 1));
}

std::string fault_of(const pb::MethodDescriptor& method) {
    if (const auth rule = auth_of(method); rule.callers.empty() && rule.any_scope == std::vector<std::string>{"platform.internal"})
        return "it is for services only, and its auth names no callers";
    const std::vector<http_rule> rules = http_of(method);
    for (const http_rule& http : rules)
        if (std::string fault = fault_of(method, http); !fault.empty()) return fault;
    if (!is_streamed(method) || rules.empty()) return {};
    if (method.server_streaming()) return "a stream of answers has no HTTP binding: it is served over gRPC";
    if (rules.size() != 1 || rules[0].verb != "POST" || rules[0].body.empty() || !variables_of(rules[0].path).empty())
        return "a stream of requests has one HTTP binding at most: a POST with a body and a path without variables";
    if (is_keyed(method)) return "a stream of requests cannot be kept under an idempotency key";
    return {};
}

bool reaches(const pb::Descriptor& m, const std::function<bool(const pb::Descriptor&)>& wanted) {
    std::set<const pb::Descriptor*> seen;
    return reaches(m, wanted, seen);
}

bool has_checks(const pb::Descriptor& m) { return reaches(m, has_own_checks); }
bool has_pii(const pb::Descriptor& m) { return reaches(m, has_own_pii); }

update update_of(const pb::Descriptor& request) {
    update out;
    std::set<std::string> in_path;
    for (const http_rule& r : patches_of(request)) {
        out.resource = request.FindFieldByName(r.body);
        for (const path_variable& v : variables_of(r.path)) in_path.insert(v.field);
    }
    if (out.resource == nullptr) return out;
    const pb::Descriptor& type = *out.resource->message_type();
    for (int i = 0; i < type.field_count(); ++i) {
        const pb::FieldDescriptor& f = *type.field(i);
        if (!rule_of(f).output_only() && !in_path.contains(out.resource->name() + '.' + f.name())) out.fields.push_back(&f);
    }
    return out;
}

}  // namespace bv::codegen
