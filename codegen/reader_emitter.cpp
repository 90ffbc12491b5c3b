// read_json of a message.
#include <algorithm>
#include <cctype>
#include <map>

#include "codegen/emit.hpp"
#include "codegen/names.hpp"

namespace bv::codegen {
namespace {

using field = pb::FieldDescriptor;
std::string names_of(const pb::EnumDescriptor& e) {
    return functions_namespace(*e.file()) + "::json_names(" + pb::compiler::cpp::QualifiedClassName(&e) + "{})";
}

bool is_null_enum(const field& f) { return f.enum_type() != nullptr && f.enum_type()->full_name() == "google.protobuf.NullValue"; }

// null is a value of these, not the absence of one.
bool takes_null(const field& f) {
    return !f.is_repeated() && (is_null_enum(f) || (f.message_type() != nullptr && f.message_type()->full_name() == "google.protobuf.Value"));
}

// The expression that reads into something that can be referred to: strings and messages.
std::string read_into(const field& f, const std::string& target) {
    if (f.cpp_type() == field::CPPTYPE_MESSAGE) return functions_namespace(*f.message_type()->file()) + "::read_json(in, " + target + ")";
    return std::string(f.type() == field::TYPE_BYTES ? "in.read_bytes(" : "in.read(") + target + ")";
}

bool has_target(const field& f) { return f.cpp_type() == field::CPPTYPE_STRING || f.cpp_type() == field::CPPTYPE_MESSAGE; }

void emit_map(Printer& out, const field& f, variables vars) {
    const field& value = item_of(f);
    if (value.cpp_type() == field::CPPTYPE_ENUM) {
        vars["names"] = names_of(*value.enum_type());
        out.Print(vars,
                  "return bv::json::read_map(in, *m.mutable_$name$(), [&]($type$& value) {\n"
                  "    int number = 0;\n"
                  "    if (!in.read_enum($names$, number)) return false;\n"
                  "    value = static_cast<$type$>(number);\n"
                  "    return true;\n"
                  "});\n");
        return;
    }
    vars["read"] = read_into(value, "value");
    out.Print(vars, "return bv::json::read_map(in, *m.mutable_$name$(), [&]($type$& value) { return $read$; });\n");
}

void emit_list(Printer& out, const field& f, variables vars) {
    if (has_target(f)) {
        vars["read"] = read_into(f, "*m.add_" + vars["name"] + "()");
        out.Print(vars, "return bv::json::read_list(in, [&] { return $read$; });\n");
    } else if (f.cpp_type() == field::CPPTYPE_ENUM) {
        vars["names"] = names_of(*f.enum_type());
        out.Print(vars,
                  "return bv::json::read_list(in, [&] {\n"
                  "    int number = 0;\n"
                  "    if (!in.read_enum($names$, number)) return false;\n"
                  "    m.add_$name$(static_cast<$type$>(number));\n"
                  "    return true;\n"
                  "});\n");
    } else {
        out.Print(vars, "return bv::json::read_values<$type$>(in, [&]($type$ value) { m.add_$name$(value); });\n");
    }
}

void emit_single(Printer& out, const field& f, variables vars) {
    if (const pb::OneofDescriptor* oneof = f.real_containing_oneof()) {
        std::string unset = oneof->name() + "_NOT_SET";
        std::ranges::transform(unset, unset.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
        vars["oneof"] = oneof->name();
        vars["unset"] = unset;
        out.Print(vars, "if (m.$oneof$_case() != $class$::$unset$) return in.refuse(\"only one of the fields of $oneof$ may be given\");\n");
    }
    if (f.type() == field::TYPE_STRING) {
        // Quicker than to fill an empty one that the message made.
        out.Print(vars, "std::string_view text;\nif (!in.text(text)) return false;\nm.set_$name$(std::string(text));\nreturn true;\n");
    } else if (has_target(f)) {
        vars["read"] = read_into(f, "*m.mutable_" + vars["name"] + "()");
        out.Print(vars, "return $read$;\n");
    } else if (is_null_enum(f)) {
        out.Print(vars, "if (!in.null()) return in.refuse(\"expected null\");\nm.set_$name$($type${});\nreturn true;\n");
    } else if (f.cpp_type() == field::CPPTYPE_ENUM) {
        vars["names"] = names_of(*f.enum_type());
        out.Print(vars, "int value = 0;\nif (!in.read_enum($names$, value)) return false;\nm.set_$name$(static_cast<$type$>(value));\nreturn true;\n");
    } else {
        out.Print(vars, "$type$ value{};\nif (!in.read(value)) return false;\nm.set_$name$(value);\nreturn true;\n");
    }
}

void emit_keys(Printer& out, const pb::Descriptor& m, const std::string& type) {
    out.Print("constexpr bv::json::field_key $type$_keys[] = {\n", "type", type);
    for (int i = 0; i < m.field_count(); ++i)
        out.Print("    {$name$, $original$$null$},\n", "name", quoted(m.field(i)->json_name()), "original", quoted(m.field(i)->name()), "null",
                  takes_null(*m.field(i)) ? ", true" : "");
    out.Print("};\n\n");
}

void emit_fields(Printer& out, const pb::Descriptor& m, const std::string& type) {
    out.Print("bool $type$_read(bv::json::reader& in, $type$& m, int field) {\n    switch (field) {\n", "type", type);
    for (int i = 0; i < m.field_count(); ++i) {
        const field& f = *m.field(i);
        const field_text text(f);
        const variables vars{{"name", text.name}, {"type", text.value_type}, {"class", type}};
        out.Print("    case $index$: {\n", "index", std::to_string(i));
        {
            const indented body(out, 2);
            if (f.is_map()) emit_map(out, f, vars);
            else if (f.is_repeated()) emit_list(out, f, vars);
            else emit_single(out, f, vars);
        }
        out.Print("    }\n");
    }
    out.Print("    default: return false;\n    }\n}\n\n");
}

}  // namespace

void emit_reader(Printer& out, const pb::Descriptor& m) {
    const std::string type = pb::compiler::cpp::ClassName(&m);
    if (m.field_count() == 0) {
        out.Print(
            "bool read_json(bv::json::reader& in, $type$&) {\n"
            "    if (!in.begin_object()) return false;\n"
            "    for (std::string_view key; in.next_key(key);)\n"
            "        if (!in.unknown(std::string(key), {})) return false;\n"
            "    return in.ok();\n"
            "}\n\n",
            "type", type);
        return;
    }
    out.Print("namespace {\n\n");
    emit_keys(out, m, type);
    emit_fields(out, m, type);
    out.Print("}  // namespace\n\n");
    out.Print(
        "bool read_json(bv::json::reader& in, $type$& m) {\n"
        "    std::uint64_t seen[$words$] = {};\n"
        "    if (!in.begin_object()) return false;\n"
        "    for (int field = -1; (field = in.next_field($type$_keys, seen, field)) >= 0;)\n"
        "        if (!$type$_read(in, m, field)) return in.inside($type$_keys[field].name);\n"
        "    return in.ok();\n"
        "}\n\n",
        "type", type, "words", std::to_string(m.field_count() / 64 + 1));
}

}  // namespace bv::codegen
