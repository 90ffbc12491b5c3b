#include "platform/rpc/binder.hpp"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/duration.pb.h>
#include <google/protobuf/field_mask.pb.h>
#include <google/protobuf/timestamp.pb.h>

#include <algorithm>
#include <cctype>
#include <optional>
#include <string>
#include <vector>

#include "platform/rpc/nearest.hpp"
#include "platform/rpc/reported.hpp"
#include "platform/rpc/well_known.hpp"

namespace bv::rpc {
namespace {

namespace pb = google::protobuf;
using field = pb::FieldDescriptor;

const field* find(const pb::Descriptor& type, std::string_view name) {
    const std::string text(name);
    if (const field* f = type.FindFieldByName(text)) return f;
    for (int i = 0; i < type.field_count(); ++i)
        if (type.field(i)->json_name() == name) return type.field(i);
    return nullptr;
}

bool is_text_message(const field& f) {
    const std::string& name = f.message_type()->full_name();
    return name == "google.protobuf.Timestamp" || name == "google.protobuf.Duration" || name == "google.protobuf.FieldMask";
}

bool is_wrapper(const field& f) { return f.message_type()->file()->name() == "google/protobuf/wrappers.proto"; }

// Whether a parameter may name the field itself.
bool bindable(const field& f) {
    if (f.is_map()) return false;
    return f.cpp_type() != field::CPPTYPE_MESSAGE || is_text_message(f) || is_wrapper(f);
}

bool is_path_variable(std::string_view path_template, std::string_view name) {
    for (auto at = path_template.find(name); at != path_template.npos; at = path_template.find(name, at + 1)) {
        const std::size_t end = at + name.size();
        if (at > 0 && path_template[at - 1] == '{' && end < path_template.size() && (path_template[end] == '}' || path_template[end] == '='))
            return true;
    }
    return false;
}

// One parameter on its way to its field.
class binding {
public:
    binding(pb::Message& request, const http_binding& http, std::vector<field_violation>& violations)
        : request_(request), http_(http), violations_(violations) {}

    void bind(std::string_view name, std::string_view value);

private:
    void refuse(std::string description) { violations_.push_back({std::string(name_), std::move(description)}); }
    void refuse_unknown(const pb::Descriptor& type, std::string_view part);
    [[nodiscard]] bool from_body(std::string_view first) const;
    bool once(const pb::Message&, const field&, std::string_view value);
    bool set(pb::Message&, const field&, std::string_view value);
    bool set_number(pb::Message&, const field&, std::string_view value);
    bool set_message(pb::Message&, const field&, std::string_view value);
    template <class T, class Store>
    bool number(std::string_view value, Store store);

    pb::Message& request_;
    const http_binding& http_;
    std::vector<field_violation>& violations_;
    std::string_view name_;
    std::vector<std::string> bound_;  // single fields that were bound
};

void binding::refuse_unknown(const pb::Descriptor& type, std::string_view part) {
    std::vector<std::string_view> names;
    for (int i = 0; i < type.field_count(); ++i) names.push_back(type.field(i)->name());
    std::string description = "unknown parameter";
    if (const auto near = nearest(part, names); !near.empty()) {
        description += "; did you mean ";
        description += name_.substr(0, name_.size() - part.size());
        description += near;
        description += '?';
    }
    refuse(std::move(description));
}

bool binding::from_body(std::string_view first) const {
    if (is_path_variable(http_.path, name_)) return false;
    return http_.body == "*" || (!http_.body.empty() && http_.body == first);
}

void binding::bind(std::string_view name, std::string_view value) {
    name_ = name;
    pb::Message* message = &request_;
    std::string_view rest = name;
    while (true) {
        const auto dot = rest.find('.');
        const std::string_view part = rest.substr(0, dot);
        const field* f = find(*message->GetDescriptor(), part);
        if (f == nullptr) return refuse_unknown(*message->GetDescriptor(), rest);
        if (message == &request_ && from_body(f->name())) return refuse("belongs in the body, not in the query");
        if (dot == rest.npos) {
            if (!bindable(*f)) return refuse("cannot be given as a parameter; name one of its fields, as in " + std::string(name) + ".field");
            if (f->is_repeated() || once(*message, *f, value)) set(*message, *f, value);
            return;
        }
        if (f->cpp_type() != field::CPPTYPE_MESSAGE || f->is_repeated() || bindable(*f)) return refuse("unknown parameter; " + std::string(part) + " has no fields");
        message = message->GetReflection()->MutableMessage(message, f);
        rest.remove_prefix(dot + 1);
    }
}

// A single field is bound once, and the path and the body must agree on it.
bool binding::once(const pb::Message& message, const field& f, std::string_view value) {
    const std::string key = std::to_string(f.number()) + ':' + f.full_name() + ':' + std::string(name_.substr(0, name_.rfind('.') + 1));
    if (std::ranges::find(bound_, key) != bound_.end()) return refuse("is given more than once"), false;
    bound_.push_back(key);
    const bool set_by_body = f.cpp_type() == field::CPPTYPE_STRING && !http_.body.empty() && !message.GetReflection()->GetString(message, &f).empty();
    if (set_by_body && message.GetReflection()->GetString(message, &f) != value)
        return refuse("is one thing in the path and another in the body; leave it out of the body"), false;
    return true;
}

template <class T, class Store>
bool binding::number(std::string_view value, Store store) {
    T parsed{};
    json::reader in(value);
    // Quoted numbers are for JSON only.
    if (in.peek() != '"' && in.read(parsed) && in.finish() && std::ranges::none_of(value, [](char c) { return c <= ' '; })) {
        store(parsed);
        return true;
    }
    refuse(in.error().syntax || in.error().description.empty() ? "must be a number" : in.error().description);
    return false;
}

bool binding::set(pb::Message& m, const field& f, std::string_view value) {
    const pb::Reflection& r = *m.GetReflection();
    switch (f.cpp_type()) {
    case field::CPPTYPE_STRING: {
        std::string text(value);
        if (f.type() == field::TYPE_BYTES) {
            text.clear();
            if (!json::decode_base64(value, text)) return refuse("must be base64"), false;
        } else if (!json::valid_utf8(value)) {
            return refuse("must be valid UTF-8"), false;
        }
        if (f.is_repeated()) r.AddString(&m, &f, std::move(text));
        else r.SetString(&m, &f, std::move(text));
        return true;
    }
    case field::CPPTYPE_BOOL: {
        if (value != "true" && value != "false") return refuse("must be true or false"), false;
        if (f.is_repeated()) r.AddBool(&m, &f, value == "true");
        else r.SetBool(&m, &f, value == "true");
        return true;
    }
    case field::CPPTYPE_ENUM: {
        const pb::EnumValueDescriptor* named = f.enum_type()->FindValueByName(std::string(value));
        if (named == nullptr && !value.empty() && std::ranges::all_of(value, [](unsigned char c) { return std::isdigit(c) != 0; }) && value.size() < 10)
            named = f.enum_type()->FindValueByNumber(std::stoi(std::string(value)));
        if (named == nullptr) {
            std::string allowed;
            for (int i = 0; i < f.enum_type()->value_count(); ++i) (allowed += i > 0 ? ", " : "") += f.enum_type()->value(i)->name();
            return refuse("must be one of " + allowed), false;
        }
        if (f.is_repeated()) r.AddEnum(&m, &f, named);
        else r.SetEnum(&m, &f, named);
        return true;
    }
    case field::CPPTYPE_MESSAGE: return set_message(m, f, value);
    default: return set_number(m, f, value);
    }
}

bool binding::set_number(pb::Message& m, const field& f, std::string_view value) {
    const pb::Reflection& r = *m.GetReflection();
    const bool list = f.is_repeated();
    switch (f.cpp_type()) {
    case field::CPPTYPE_INT32: return number<std::int32_t>(value, [&](auto v) { list ? r.AddInt32(&m, &f, v) : r.SetInt32(&m, &f, v); });
    case field::CPPTYPE_INT64: return number<std::int64_t>(value, [&](auto v) { list ? r.AddInt64(&m, &f, v) : r.SetInt64(&m, &f, v); });
    case field::CPPTYPE_UINT32: return number<std::uint32_t>(value, [&](auto v) { list ? r.AddUInt32(&m, &f, v) : r.SetUInt32(&m, &f, v); });
    case field::CPPTYPE_UINT64: return number<std::uint64_t>(value, [&](auto v) { list ? r.AddUInt64(&m, &f, v) : r.SetUInt64(&m, &f, v); });
    case field::CPPTYPE_FLOAT: return number<float>(value, [&](auto v) { list ? r.AddFloat(&m, &f, v) : r.SetFloat(&m, &f, v); });
    default: return number<double>(value, [&](auto v) { list ? r.AddDouble(&m, &f, v) : r.SetDouble(&m, &f, v); });
    }
}

bool binding::set_message(pb::Message& m, const field& f, std::string_view value) {
    const pb::Reflection& r = *m.GetReflection();
    pb::Message& child = f.is_repeated() ? *r.AddMessage(&m, &f) : *r.MutableMessage(&m, &f);
    const std::string& type = f.message_type()->full_name();
    if (is_wrapper(f)) return set(child, *f.message_type()->FindFieldByName("value"), value);
    if (type == "google.protobuf.Timestamp")
        return json::parse_timestamp(value, static_cast<pb::Timestamp&>(child)) || (refuse("must be a time of RFC 3339, such as 2026-01-31T09:00:00Z"), false);
    if (type == "google.protobuf.Duration")
        return json::parse_duration(value, static_cast<pb::Duration&>(child)) || (refuse("must be a duration in seconds, such as 1.5s"), false);
    return json::parse_field_mask(value, static_cast<pb::FieldMask&>(child)) || (refuse("must be field names joined by commas"), false);
}

}  // namespace

result<void> bind_parameters(pb::Message& request, const http_binding& http, const parameters& all) {
    if (all.empty()) return {};
    std::vector<field_violation> violations;
    binding binding(request, http, violations);
    for (const auto& [name, value] : all)
        if (!says_enough(violations)) binding.bind(name, value);
    if (violations.empty()) return {};
    return invalid(std::move(violations));
}

error as_body_error(error e, std::string_view body_field) {
    if (e.violations.empty()) return e;
    for (field_violation& v : e.violations) {
        if (!v.field.starts_with(body_field)) continue;
        if (v.field.size() > body_field.size() && v.field[body_field.size()] == '.') v.field.erase(0, body_field.size() + 1);
    }
    return invalid(std::move(e.violations)).error();
}

}  // namespace bv::rpc
