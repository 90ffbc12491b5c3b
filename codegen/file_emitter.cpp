// x.bv.hpp and x.bv.cpp of x.proto, put together.
#include <map>

#include "codegen/asyncapi.hpp"
#include "codegen/emit.hpp"
#include "codegen/names.hpp"
#include "codegen/options.hpp"

namespace bv::codegen {
namespace {

void emit_banner(Printer& out, const pb::FileDescriptor& file) {
    out.Print("// Generated from $name$ by protoc-gen-bitvelocity: change that, not this.\n", "name", file.name());
}

void declare_message(Printer& out, const pb::Descriptor& m) {
    const std::string type = pb::compiler::cpp::ClassName(&m);
    out.Print("void write_json(bv::json::writer& out, const $type$& m);\nbool read_json(bv::json::reader& in, $type$& m);\n", "type", type);
    if (has_checks(m)) out.Print("void validate(const $type$& m, const bv::rpc::field_path& path, bv::rpc::violations& out);\n", "type", type);
    else out.Print("inline void validate(const $type$&, const bv::rpc::field_path&, bv::rpc::violations&) {}\n", "type", type);
    if (has_pii(m)) out.Print("void mask_pii($type$& m);\n", "type", type);
    else out.Print("inline void mask_pii($type$&) {}\n", "type", type);
}

void emit_type_names(Printer& out, const std::vector<const pb::Descriptor*>& messages) {
    out.Print("namespace bv::rpc {\n");
    for (const pb::Descriptor* m : messages)
        out.Print("template <>\nstruct type_name_of<$type$> {\n    static constexpr std::string_view value = \"$name$\";\n};\n", "type",
                  pb::compiler::cpp::QualifiedClassName(m), "name", m->full_name());
    out.Print("}  // namespace bv::rpc\n");
}

void emit_types(Printer& out, const pb::FileDescriptor& file, const std::vector<const pb::Descriptor*>& messages) {
    out.Print("std::span<const bv::rpc::message_type> $id$_types() noexcept {\n", "id", identifier(file));
    if (messages.empty()) {
        out.Print("    return {};\n}\n");
        return;
    }
    out.Print("    static constexpr bv::rpc::message_type types[] = {\n");
    for (const pb::Descriptor* m : messages)
        out.Print("        {\"$name$\", &bv::rpc::json_of<$type$>},\n", "name", m->full_name(), "type", pb::compiler::cpp::ClassName(m));
    out.Print("    };\n    return types;\n}\n");
}

bool has_streams(const pb::FileDescriptor& file) {
    for (int i = 0; i < file.service_count(); ++i)
        if (unary_methods_of(*file.service(i)).size() < static_cast<std::size_t>(file.service(i)->method_count())) return true;
    return false;
}

}  // namespace

std::string fault_of(const pb::FileDescriptor& file) {
    if (file.syntax() != pb::FileDescriptor::SYNTAX_PROTO3) return "only proto3 is supported";
    if (std::string fault = fault_of_events(file); !fault.empty()) return file.name() + ": " + fault;
    for (int i = 0; i < file.service_count(); ++i) {
        const pb::ServiceDescriptor& service = *file.service(i);
        for (int j = 0; j < service.method_count(); ++j)
            if (const std::string fault = fault_of(*service.method(j)); !fault.empty()) return service.method(j)->full_name() + ": " + fault;
    }
    return {};
}

void emit_header(Printer& out, const pb::FileDescriptor& file) {
    const auto messages = messages_of(file);
    emit_banner(out, file);
    out.Print("#pragma once\n\n#include <span>\n#include <string>\n#include <string_view>\n\n");
    if (file.service_count() > 0) out.Print("#include \"platform/core/error.hpp\"\n#include \"platform/core/task.hpp\"\n#include \"platform/rpc/channel.hpp\"\n#include \"platform/rpc/method.hpp\"\n");
    if (has_streams(file)) out.Print("#include \"platform/rpc/remote_stream.hpp\"\n#include \"platform/rpc/stream_route.hpp\"\n");
    out.Print("#include \"platform/rpc/json.hpp\"\n#include \"platform/rpc/registry.hpp\"\n#include \"platform/rpc/validation.hpp\"\n");
    out.Print("#include \"$base$.pb.h\"\n", "base", base_path(file));
    for (int i = 0; i < file.dependency_count(); ++i)
        if (!is_foreign(*file.dependency(i))) out.Print("#include \"$base$.bv.hpp\"\n", "base", base_path(*file.dependency(i)));
    out.Print("\nnamespace $ns$ {\n\n", "ns", cpp_namespace(file));
    const auto enums = enums_of(file);
    for (const pb::EnumDescriptor* e : enums)
        out.Print("std::span<const bv::json::enum_entry> json_names($type$) noexcept;\n", "type", pb::compiler::cpp::ClassName(e));
    if (!enums.empty()) out.Print("\n");
    for (const pb::Descriptor* m : messages) declare_message(out, *m);
    out.Print("\n// The file's messages, for bv::rpc::register_types.\nstd::span<const bv::rpc::message_type> $id$_types() noexcept;\n\n", "id", identifier(file));
    for (int i = 0; i < file.service_count(); ++i) declare_service(out, *file.service(i));
    out.Print("}  // namespace $ns$\n\n", "ns", cpp_namespace(file));
    emit_type_names(out, messages);
}

void emit_source(Printer& out, const pb::FileDescriptor& file) {
    const auto messages = messages_of(file);
    emit_banner(out, file);
    out.Print("#include \"$base$.bv.hpp\"\n\n#include \"platform/rpc/message_json.hpp\"\n", "base", base_path(file));
    if (file.service_count() > 0) out.Print("#include \"platform/rpc/binder.hpp\"\n#include \"platform/rpc/call_span.hpp\"\n#include \"platform/rpc/message.hpp\"\n#include \"platform/rpc/update_mask.hpp\"\n");
    out.Print("\nnamespace $ns$ {\n\n", "ns", cpp_namespace(file));
    for (const pb::EnumDescriptor* e : enums_of(file)) emit_enum_names(out, *e);
    for (const pb::Descriptor* m : messages) {
        emit_writer(out, *m);
        emit_reader(out, *m);
        emit_validator(out, *m);
        emit_masker(out, *m);
    }
    for (int i = 0; i < file.service_count(); ++i) emit_service(out, *file.service(i));
    emit_types(out, file, messages);
    out.Print("\n}  // namespace $ns$\n", "ns", cpp_namespace(file));
}

}  // namespace bv::codegen
