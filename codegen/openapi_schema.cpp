#include "codegen/openapi_schema.hpp"

#include <cstdint>
#include <limits>
#include <sstream>
#include <utility>

#include "codegen/names.hpp"
#include "codegen/options.hpp"
#include "codegen/range_pattern.hpp"

namespace bv::codegen {
namespace {

namespace ours = ::bitvelocity::options::v1;
using field = pb::FieldDescriptor;

struct form {
    const char* format;
    const char* pattern;
};

// A format that JSON Schema knows, or a pattern.
form form_of(ours::Format f) {
    switch (f) {
    case ours::FORMAT_EMAIL: return {"email", nullptr};
    case ours::FORMAT_UUID: return {"uuid", nullptr};
    case ours::FORMAT_CURRENCY: return {nullptr, "^[A-Z]{3}$"};
    case ours::FORMAT_SLUG: return {nullptr, "^[a-z0-9]+(-[a-z0-9]+)*$"};
    case ours::FORMAT_SKU: return {nullptr, "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"};
    case ours::FORMAT_URL: return {"uri", "^https?://[A-Za-z0-9]"};
    case ours::FORMAT_COUNTRY: return {nullptr, "^[A-Z]{2}$"};
    case ours::FORMAT_TOKEN: return {nullptr, "^[a-z0-9]+([._-][a-z0-9]+)*$"};
    case ours::FORMAT_TEXT: return {nullptr, "^[^\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\x7f]*$"};
    case ours::FORMAT_PHONE: return {nullptr, "^\\+[1-9][0-9]{7,14}$"};
    case ours::FORMAT_DATE: return {"date", nullptr};
    default: return {nullptr, nullptr};
    }
}

// An empty text is as good as none where none is demanded, which the formats of JSON Schema do not say.
form optional_form_of(ours::Format f) {
    switch (f) {
    case ours::FORMAT_EMAIL: return {nullptr, "^[^@]+@[^@]+$"};
    case ours::FORMAT_UUID: return {nullptr, "^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$"};
    case ours::FORMAT_URL: return {nullptr, "^https?://[A-Za-z0-9].*$"};
    case ours::FORMAT_DATE: return {nullptr, "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"};
    default: return form_of(f);
    }
}

// "^[A-Z]{3}$" → "^([A-Z]{3})?$". One that is not anchored at its end, or takes nothing already, stays.
std::string optional_pattern(std::string_view pattern) {
    if (!pattern.ends_with('$') || pattern.ends_with("]*$")) return std::string(pattern);
    return "^(" + std::string(pattern.substr(1, pattern.size() - 2)) + ")?$";
}

void write_text(json_document& out, const rule& r, bool required) {
    out.member("type", "string");
    const std::int64_t least = r.has_min_length() ? r.min_length() : required ? 1 : 0;
    if (least > 0) out.member("minLength", least);
    if (r.has_max_length()) out.member("maxLength", std::int64_t{r.max_length()});
    const form known = required ? form_of(r.format()) : optional_form_of(r.format());
    if (known.format != nullptr) out.member("format", known.format);
    if (known.pattern != nullptr) out.member("pattern", required ? std::string(known.pattern) : optional_pattern(known.pattern));
}

template <class Int>
void write_integer(json_document& out, const rule& r, const char* format) {
    out.member("type", "integer");
    out.member("format", format);
    out.member("minimum", r.has_min() ? r.min() : std::int64_t{std::numeric_limits<Int>::min()});
    out.member("maximum", r.has_max() ? r.max() : std::int64_t{std::numeric_limits<Int>::max()});
}

// 64 bits: a string of digits; a number is taken too.
void write_wide_integer(json_document& out, const rule& r, bool is_signed) {
    out.member("type", "string");
    out.member("format", is_signed ? "int64" : "uint64");
    const std::int64_t least = r.has_min() ? r.min() : is_signed ? std::numeric_limits<std::int64_t>::min() : 0;
    out.member("pattern", range_pattern(least, r.has_max() ? r.max() : std::numeric_limits<std::int64_t>::max()));
}

void write_number(json_document& out, const rule& r) {
    out.member("type", "number");
    if (r.has_min()) out.member("minimum", r.min());
    if (r.has_max()) out.member("maximum", r.max());
}

void write_enum(json_document& out, const pb::EnumDescriptor& e, bool required) {
    out.member("type", "string");
    out.open_array("enum");
    for (int i = 0; i < e.value_count(); ++i)
        if (!required || e.value(i)->number() != 0) out.item(e.value(i)->name());
    out.close();
}

void write_well_known(json_document& out, const pb::Descriptor& m) {
    const std::string& name = m.name();
    if (name == "Timestamp") {
        out.member("type", "string"), out.member("format", "date-time");
    } else if (name == "Duration") {
        out.member("type", "string"), out.member("pattern", "^-?[0-9]{1,11}(\\.[0-9]{1,9})?s$");
    } else if (name == "FieldMask") {
        out.member("type", "string"), out.member("pattern", "^([a-z][A-Za-z0-9_.]*[A-Za-z0-9_](,[a-z][A-Za-z0-9_.]*[A-Za-z0-9_])*)?$");
    } else if (name == "Struct" || name == "Any") {
        out.member("type", "object"), out.member("additionalProperties", true);
    } else if (name == "ListValue") {
        out.member("type", "array");
        out.open_object("items");
        out.close();
    } else if (name == "Empty") {
        out.member("type", "object"), out.member("additionalProperties", false);
    } else if (m.FindFieldByName("value") != nullptr) {  // a wrapper
        schema_names none;
        write_field_schema(out, *m.FindFieldByName("value"), none);
    }
}

void write_scalar(json_document& out, const field& f, const rule& r, bool required, schema_names& names) {
    switch (f.cpp_type()) {
    case field::CPPTYPE_INT32: return write_integer<std::int32_t>(out, r, "int32");
    case field::CPPTYPE_UINT32: return write_integer<std::uint32_t>(out, r, "uint32");
    case field::CPPTYPE_INT64: return write_wide_integer(out, r, true);
    case field::CPPTYPE_UINT64: return write_wide_integer(out, r, false);
    case field::CPPTYPE_DOUBLE:
    case field::CPPTYPE_FLOAT: return write_number(out, r);
    case field::CPPTYPE_BOOL: return out.member("type", "boolean");
    case field::CPPTYPE_ENUM:
        if (f.enum_type()->full_name() == "google.protobuf.NullValue") return out.member("type", "null");
        return write_enum(out, *f.enum_type(), required);
    case field::CPPTYPE_STRING:
        if (f.type() == field::TYPE_STRING) return write_text(out, r, required);
        out.member("type", "string");
        return out.member("contentEncoding", "base64");
    case field::CPPTYPE_MESSAGE:
        if (is_well_known(*f.message_type())) return write_well_known(out, *f.message_type());
        return out.member("$ref", names.reference(*f.message_type()));
    }
}

void write_count(json_document& out, const rule& r, const char* least, const char* most) {
    const std::int64_t min = r.has_min_items() ? r.min_items() : r.required() ? 1 : 0;
    if (min > 0) out.member(least, min);
    if (r.has_max_items()) out.member(most, std::int64_t{r.max_items()});
}

void write_oneof(json_document& out, const pb::OneofDescriptor& oneof) {
    out.open_array("oneOf");
    for (int i = 0; i < oneof.field_count(); ++i) {
        out.open_object();
        out.member("required", std::vector<std::string>{oneof.field(i)->json_name()});
        out.close();
    }
    out.close();
}

// Two members of a oneof may not be given together.
void write_exclusions(json_document& out, const pb::Descriptor& m) {
    bool open = false;
    for (int i = 0; i < m.real_oneof_decl_count(); ++i) {
        const pb::OneofDescriptor& oneof = *m.oneof_decl(i);
        if (one_required(oneof)) continue;
        for (int a = 0; a < oneof.field_count(); ++a) {
            for (int b = a + 1; b < oneof.field_count(); ++b) {
                if (!open) out.open_array("allOf");
                open = true;
                out.open_object();
                out.open_object("not");
                out.member("required", std::vector<std::string>{oneof.field(a)->json_name(), oneof.field(b)->json_name()});
                out.close();
                out.close();
            }
        }
    }
    if (open) out.close();
}

}  // namespace

description as_description(const std::string& comment) {
    description out;
    std::string* part = &out.summary;
    std::istringstream lines(comment);
    for (std::string line; std::getline(lines, line);) {
        line.erase(0, std::min(line.find_first_not_of(" \t"), line.size()));
        if (line.empty()) {
            if (!out.summary.empty()) part = &out.rest;
            if (!out.rest.empty()) out.rest += "\n";
            continue;
        }
        if (!part->empty() && part->back() != '\n') *part += ' ';
        *part += line;
    }
    return out;
}

template <class Descriptor>
description description_of(const Descriptor& d) {
    pb::SourceLocation location;
    if (!d.GetSourceLocation(&location)) return {};
    return as_description(location.leading_comments.empty() ? location.trailing_comments : location.leading_comments);
}
template description description_of(const pb::Descriptor&);
template description description_of(const pb::FieldDescriptor&);
template description description_of(const pb::MethodDescriptor&);
template description description_of(const pb::ServiceDescriptor&);

std::string schema_names::name_of(const pb::Descriptor& m) {
    constexpr std::string_view ours_prefix = "bitvelocity.";
    const std::string& name = m.full_name();
    return name.rfind(ours_prefix, 0) == 0 ? name.substr(ours_prefix.size()) : name;
}

std::string schema_names::reference(const pb::Descriptor& m) {
    if (all_.insert(&m).second) open_.push_back(&m);
    return "#/components/schemas/" + name_of(m);
}

std::vector<const pb::Descriptor*> schema_names::take() { return std::exchange(open_, {}); }

bool is_required(const field& f) {
    const rule& r = rule_of(f);
    if (r.output_only()) return false;
    if (r.required()) return true;
    if (f.is_repeated()) return r.min_items() > 0;
    const bool is_number = f.cpp_type() != field::CPPTYPE_STRING && f.cpp_type() != field::CPPTYPE_MESSAGE && f.cpp_type() != field::CPPTYPE_ENUM;
    return is_number && !f.has_presence() && ((r.has_min() && r.min() > 0) || (r.has_max() && r.max() < 0));
}

void write_field_schema(json_document& out, const field& f, schema_names& names) {
    const rule& r = rule_of(f);
    if (const description said = description_of(f); !said.summary.empty()) out.member("description", said.whole());
    if (r.output_only()) out.member("readOnly", true);
    if (!f.is_repeated()) return write_scalar(out, f, r, r.required(), names);
    out.member("type", f.is_map() ? "object" : "array");
    write_count(out, r, f.is_map() ? "minProperties" : "minItems", f.is_map() ? "maxProperties" : "maxItems");
    out.open_object(f.is_map() ? "additionalProperties" : "items");
    write_scalar(out, f.is_map() ? *f.message_type()->map_value() : f, r, false, names);
    out.close();
}

void write_object_schema(json_document& out, const pb::Descriptor& m, schema_names& names, const object_options& options) {
    if (const description said = description_of(m); !said.summary.empty()) out.member("description", said.whole());
    out.member("type", "object");
    std::vector<std::string> required;
    out.open_object("properties");
    for (int i = 0; i < m.field_count(); ++i) {
        const field& f = *m.field(i);
        if (options.without.contains(f.name()) || (options.request && rule_of(f).output_only())) continue;
        out.open_object(f.json_name());
        write_field_schema(out, f, names);
        out.close();
        if (is_required(f) && !options.partial) required.push_back(f.json_name());
    }
    out.close();
    if (!required.empty()) out.member("required", required);
    for (int i = 0; i < m.real_oneof_decl_count(); ++i)
        if (one_required(*m.oneof_decl(i))) write_oneof(out, *m.oneof_decl(i));
    write_exclusions(out, m);
    out.member("additionalProperties", false);
}

}  // namespace bv::codegen
