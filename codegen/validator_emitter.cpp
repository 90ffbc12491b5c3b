// validate of a message: every rule of its fields and of the messages that it holds.
#include <map>

#include "codegen/emit.hpp"
#include "codegen/names.hpp"
#include "codegen/options.hpp"

namespace bv::codegen {
namespace {

using field = pb::FieldDescriptor;
using variables = std::map<std::string, std::string>;

std::string text_rule(const rule& r, bool required) {
    std::string out = "{";
    if (r.has_min_length()) out += ".min_length = " + std::to_string(r.min_length()) + ", ";
    if (r.has_max_length()) out += ".max_length = " + std::to_string(r.max_length()) + ", ";
    if (r.format() != 0) out += ".format = bv::rpc::format{" + std::to_string(r.format()) + "}, ";
    if (required) out += ".required = true, ";
    if (out.size() > 1) out.resize(out.size() - 2);
    return out + "}";
}

// The least 64-bit integer has no literal.
std::string literal(std::int64_t v) { return v == INT64_MIN ? "INT64_MIN" : std::to_string(v); }

std::string range_rule(const rule& r) {
    if (r.has_min() && r.has_max()) return "{.min = " + literal(r.min()) + ", .max = " + literal(r.max()) + "}";
    return r.has_min() ? "{.min = " + literal(r.min()) + "}" : "{.max = " + literal(r.max()) + "}";
}

std::string count_rule(const rule& r) {
    const std::uint32_t least = r.has_min_items() ? r.min_items() : r.required() ? 1 : 0;
    if (!r.has_max_items()) return "{.min = " + std::to_string(least) + "}";
    return "{.min = " + std::to_string(least) + ", .max = " + std::to_string(r.max_items()) + "}";
}

bool is_checked_enum(const field& f) {
    return f.cpp_type() == field::CPPTYPE_ENUM && f.enum_type()->full_name() != "google.protobuf.NullValue";
}

// The statements that check one value at `path`; empty when there is nothing to check. required: of a string without presence.
std::string check_value(const field& f, const rule& r, const std::string& value, const std::string& path, bool required) {
    switch (f.cpp_type()) {
    case field::CPPTYPE_STRING: {
        const std::string rules = text_rule(r, required);
        if (rules == "{}") return {};
        return (f.type() == field::TYPE_BYTES ? "bv::rpc::check_bytes(" : "bv::rpc::check_text(") + value + ", " + rules + ", " + path + ", out);";
    }
    case field::CPPTYPE_ENUM:
        if (!is_checked_enum(f)) return {};
        return "if (!" + pb::compiler::cpp::QualifiedClassName(f.enum_type()) + "_IsValid(" + value + ")) bv::rpc::undefined_enum(" + value + ", " + path + ", out);";
    case field::CPPTYPE_MESSAGE:
        if (is_well_known(*f.message_type()) || !has_checks(*f.message_type())) return {};
        return functions_namespace(*f.message_type()->file()) + "::validate(" + value + ", " + path + ", out);";
    case field::CPPTYPE_BOOL: return {};
    default:
        if (!r.has_min() && !r.has_max()) return {};
        return "bv::rpc::check_range(" + value + ", " + range_rule(r) + ", " + path + ", out);";
    }
}

void emit_items(Printer& out, const field& f, const rule& r, variables vars) {
    if (r.has_min_items() || r.has_max_items() || r.required()) {
        vars["count"] = count_rule(r);
        out.Print(vars, "bv::rpc::check_count(static_cast<std::size_t>(m.$name$_size()), $count$, {path, $field$}, out);\n");
    }
    const std::string item_path = f.is_map() ? "list.at_key(key)" : "list.at(i)";
    vars["check"] = check_value(item_of(f), r, f.is_map() ? "value" : "m." + vars["name"] + "(static_cast<int>(i))", item_path, false);
    if (vars["check"].empty()) return;
    if (f.is_map())
        out.Print(vars,
                  "for (const auto& [key, value] : m.$name$()) {\n"
                  "    const bv::rpc::field_path list(path, $field$);\n"
                  "    $check$\n"
                  "}\n");
    else
        out.Print(vars,
                  "for (std::size_t i = 0; i < static_cast<std::size_t>(m.$name$_size()); ++i) {\n"
                  "    const bv::rpc::field_path list(path, $field$);\n"
                  "    $check$\n"
                  "}\n");
}

// The path of a single field; below the resource that an update mask governs, only what it names is required.
std::string path_of(const field& f, const variables& vars) {
    const bool governed = update_of(*f.containing_type()).resource == &f;
    return "{path, " + vars.at("field") + (governed ? ", m.update_mask().paths()}" : "}");
}

void emit_changeable(Printer& out, const pb::Descriptor& request, const update& changed) {
    out.Print("constexpr std::string_view $type$_changeable[] = {", "type", pb::compiler::cpp::ClassName(&request));
    for (std::size_t i = 0; i < changed.fields.size(); ++i)
        out.Print("$before$$name$", "before", i > 0 ? ", " : "", "name", quoted(changed.fields[i]->name()));
    out.Print("};\n\n");
}

void emit_single(Printer& out, const field& f, const rule& r, variables vars) {
    const std::string value = "m." + vars["name"] + "()";
    const bool is_text = f.cpp_type() == field::CPPTYPE_STRING;
    vars["check"] = check_value(f, r, value, path_of(f, vars), r.required() && is_text && !f.has_presence());
    if (f.has_presence()) {
        if (!vars["check"].empty()) out.Print(vars, "if (m.has_$name$()) $check$\n");
        if (r.required()) out.Print(vars, "if (!m.has_$name$()) bv::rpc::missing({path, $field$}, out);\n");
        return;
    }
    if (r.required() && !is_text) {
        vars["zero"] = f.cpp_type() == field::CPPTYPE_BOOL ? "!" + value : value + " == 0";
        out.Print(vars, "if ($zero$) bv::rpc::missing({path, $field$}, out);\n");
        if (!vars["check"].empty()) out.Print("else ");
    }
    if (!vars["check"].empty()) out.Print(vars, "$check$\n");
}

void emit_oneof(Printer& out, const pb::OneofDescriptor& oneof) {
    if (!one_required(oneof)) return;
    std::string none, names;
    for (int i = 0; i < oneof.field_count(); ++i) {
        none += (i > 0 ? " && !m.has_" : "!m.has_") + field_text(*oneof.field(i)).name + "()";
        names += (i > 0 ? ", " : "") + oneof.field(i)->json_name();
    }
    out.Print("if ($none$) bv::rpc::missing_one_of($names$, {path, $name$}, out);\n", "none", none, "names", quoted(names), "name",
              quoted(oneof.name()));
}

}  // namespace

void emit_validator(Printer& out, const pb::Descriptor& m) {
    const update changed = update_of(m);
    if (changed.resource != nullptr) emit_changeable(out, m, changed);
    if (!has_checks(m)) return;
    out.Print("void validate([[maybe_unused]] const $type$& m, const bv::rpc::field_path& path, bv::rpc::violations& out) {\n", "type",
              pb::compiler::cpp::ClassName(&m));
    {
        const indented body(out);
        for (int i = 0; i < m.field_count(); ++i) {
            const field& f = *m.field(i);
            const rule& r = rule_of(f);
            if (r.output_only()) continue;  // what a client sends there is not looked at
            const variables vars{{"name", field_text(f).name}, {"field", quoted(f.json_name())}};
            if (f.is_repeated()) emit_items(out, f, r, vars);
            else emit_single(out, f, r, vars);
        }
        for (int i = 0; i < m.real_oneof_decl_count(); ++i) emit_oneof(out, *m.oneof_decl(i));
        if (changed.resource != nullptr)
            out.Print("bv::rpc::check_update_mask(m.update_mask(), $type$_changeable, *$Resource$::descriptor(), {path, \"updateMask\"}, out);\n", "type",
                      pb::compiler::cpp::ClassName(&m), "Resource", pb::compiler::cpp::QualifiedClassName(changed.resource->message_type()));
    }
    out.Print("}\n\n");
}

namespace {

void emit_mask(Printer& out, const field& f) {
    const variables vars{{"name", field_text(f).name}};
    if (is_pii(f)) {
        if (f.type() != field::TYPE_STRING) out.Print(vars, "m.clear_$name$();\n");
        else if (f.is_repeated()) out.Print(vars, "for (std::string& text : *m.mutable_$name$()) text = \"***\";\n");
        else if (f.has_presence()) out.Print(vars, "if (m.has_$name$()) m.set_$name$(\"***\");\n");
        else out.Print(vars, "if (!m.$name$().empty()) m.set_$name$(\"***\");\n");
        return;
    }
    const pb::Descriptor* held = item_of(f).message_type();
    if (held == nullptr || !has_pii(*held)) return;
    if (f.is_map()) out.Print(vars, "for (auto& item : *m.mutable_$name$()) mask_pii(item.second);\n");
    else if (f.is_repeated()) out.Print(vars, "for (auto& item : *m.mutable_$name$()) mask_pii(item);\n");
    else out.Print(vars, "if (m.has_$name$()) mask_pii(*m.mutable_$name$());\n");
}

}  // namespace

void emit_masker(Printer& out, const pb::Descriptor& m) {
    if (!has_pii(m)) return;
    out.Print("void mask_pii($type$& m) {\n", "type", pb::compiler::cpp::ClassName(&m));
    {
        const indented body(out);
        for (int i = 0; i < m.field_count(); ++i) emit_mask(out, *m.field(i));
    }
    out.Print("}\n\n");
}

}  // namespace bv::codegen
