// write_json of a message, and the names of enums.
#include <map>

#include "codegen/emit.hpp"
#include "codegen/names.hpp"

namespace bv::codegen {
namespace {

using field = pb::FieldDescriptor;

std::string cpp_type(const field& f) {
    switch (f.cpp_type()) {
    case field::CPPTYPE_INT32: return "std::int32_t";
    case field::CPPTYPE_INT64: return "std::int64_t";
    case field::CPPTYPE_UINT32: return "std::uint32_t";
    case field::CPPTYPE_UINT64: return "std::uint64_t";
    case field::CPPTYPE_DOUBLE: return "double";
    case field::CPPTYPE_FLOAT: return "float";
    case field::CPPTYPE_BOOL: return "bool";
    case field::CPPTYPE_ENUM: return pb::compiler::cpp::QualifiedClassName(f.enum_type());
    case field::CPPTYPE_STRING: return "std::string";
    case field::CPPTYPE_MESSAGE: return pb::compiler::cpp::QualifiedClassName(f.message_type());
    }
    return {};
}

// The statement that writes one value.
std::string write_one(const field& f, const std::string& value) {
    switch (f.cpp_type()) {
    case field::CPPTYPE_STRING: return std::string(f.type() == field::TYPE_BYTES ? "out.bytes(" : "out.string(") + value + ");";
    case field::CPPTYPE_ENUM:
        if (f.enum_type()->full_name() == "google.protobuf.NullValue") return "out.literal(\"null\");";
        return "out.enumerator(" + functions_namespace(*f.enum_type()->file()) + "::json_names(" + cpp_type(f) + "{}), " + value + ");";
    case field::CPPTYPE_MESSAGE: return functions_namespace(*f.message_type()->file()) + "::write_json(out, " + value + ");";
    default: return "out.value(" + value + ");";
    }
}

std::string is_present(const field& f, const std::string& name) {
    const std::string value = "m." + name + "()";
    if (f.is_repeated()) return "!" + value + ".empty()";
    if (f.has_presence()) return "m.has_" + name + "()";
    switch (f.cpp_type()) {
    case field::CPPTYPE_STRING: return "!" + value + ".empty()";
    case field::CPPTYPE_BOOL: return value;
    case field::CPPTYPE_DOUBLE:
    case field::CPPTYPE_FLOAT: return "bv::json::is_set(" + value + ")";
    default: return value + " != 0";
    }
}

void emit_value(Printer& out, const field& f, std::map<std::string, std::string> vars) {
    const indented body(out);
    out.Print(vars, "object.key($key$);\n");
    vars["write"] = write_one(item_of(f), f.is_repeated() ? "value" : "m." + vars["name"] + "()");
    if (f.is_map()) out.Print(vars, "bv::json::write_map(out, m.$name$(), [&](const auto& value) { $write$ });\n");
    else if (f.is_repeated()) out.Print(vars, "bv::json::write_list(out, m.$name$(), [&](const auto& value) { $write$ });\n");
    else out.Print(vars, "$write$\n");
}

void emit_field(Printer& out, const field& f) {
    const field_text text(f);
    const std::map<std::string, std::string> vars{
        {"present", is_present(f, text.name)}, {"key", quoted(quoted(f.json_name()) + ":")}, {"name", text.name}, {"type", text.value_type}};
    out.Print(vars, "if ($present$) {\n");
    emit_value(out, f, vars);
    out.Print("}\n");
}

}  // namespace

const pb::FieldDescriptor& item_of(const pb::FieldDescriptor& f) { return f.is_map() ? *f.message_type()->map_value() : f; }

field_text::field_text(const pb::FieldDescriptor& f) : name(pb::compiler::cpp::FieldName(&f)), value_type(cpp_type(item_of(f))) {}

void emit_enum_names(Printer& out, const pb::EnumDescriptor& e) {
    out.Print("std::span<const bv::json::enum_entry> json_names($type$) noexcept {\n    static constexpr bv::json::enum_entry entries[] = {\n", "type",
              pb::compiler::cpp::ClassName(&e));
    for (int i = 0; i < e.value_count(); ++i)
        out.Print("        {$number$, $name$},\n", "number", std::to_string(e.value(i)->number()), "name", quoted(e.value(i)->name()));
    out.Print("    };\n    return entries;\n}\n\n");
}

void emit_writer(Printer& out, const pb::Descriptor& m) {
    const std::string type = pb::compiler::cpp::ClassName(&m);
    if (m.field_count() == 0) {
        out.Print("void write_json(bv::json::writer& out, const $type$&) { out.literal(\"{}\"); }\n\n", "type", type);
        return;
    }
    out.Print("void write_json(bv::json::writer& out, const $type$& m) {\n", "type", type);
    {
        const indented body(out);
        out.Print("bv::json::object_writer object(out);\n");
        for (int i = 0; i < m.field_count(); ++i) emit_field(out, *m.field(i));
        out.Print("object.close();\n");
    }
    out.Print("}\n\n");
}

}  // namespace bv::codegen
